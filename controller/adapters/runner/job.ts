import { tableName } from '../../clients/sql.ts';
import type { Addresses, KafkaAddress, PostgresAddress } from '../../config/addresses.ts';
import { columnsOf, type Output, type Source } from '../../domain/pipeline.ts';
import type { Staged } from '../../domain/ports/sink.ts';
import type { KafkaPin, Pin, PostgresPin } from '../../domain/profile.ts';
import { rejected } from '../../lib/errors.ts';
import { filled, variablesIn } from '../../lib/variables.ts';
import { reasonSql, rulesOf, spark } from '../../snapshot/rules.ts';

/** The job description that the runner reads. Plain data without secrets; its shape is `Job.java`'s. */
export interface RunnerJob {
  readonly key: string;
  readonly result: string;
  /** The file that only one driver can create: who has it may run. */
  readonly claim: string;
  /** When this file is there, nothing more is written. */
  readonly revoked: string;
  /** The file of what nobody but the driver may see, of the shape of `RunnerSecrets`. */
  readonly secrets: string;
  readonly quarantine: string;
  readonly sql: string;
  readonly partitions: number;
  readonly inputs: readonly object[];
  readonly outputs: readonly object[];
}

/** What a job is told in a file of its own, which goes with the attempt; its shape is `Secrets.java`'s. */
export interface RunnerSecrets {
  /** Spark properties whose values came from the environment. */
  readonly conf: Readonly<Record<string, string>>;
  /** How to log in to Kafka, by input. */
  readonly jaas: Readonly<Record<string, string>>;
}

export function jdbcUrl({ host, port, database, tls }: PostgresAddress): string {
  const server = host.includes(':') ? `[${host}]` : host;
  const parameters = new URLSearchParams({ sslmode: tls?.mode ?? 'disable' });
  if (tls?.ca !== undefined) parameters.set('sslrootcert', tls.ca);
  // The driver's own default trusts a file that hardly anybody has; this is what the JVM trusts.
  else if (tls && tls.mode !== 'require') parameters.set('sslfactory', 'org.postgresql.ssl.DefaultJavaSSLFactory');
  return `jdbc:postgresql://${server}:${port}/${encodeURIComponent(database)}?${parameters}`;
}

/** A Kafka client's properties, but for what is secret. */
function kafkaProperties({ tls, sasl }: KafkaAddress): Record<string, string> {
  const protocol = sasl ? (tls ? 'SASL_SSL' : 'SASL_PLAINTEXT') : tls ? 'SSL' : undefined;
  return {
    ...(protocol ? { 'security.protocol': protocol } : {}),
    ...(tls?.ca === undefined ? {} : { 'ssl.truststore.type': 'PEM', 'ssl.truststore.location': tls.ca }),
    ...(sasl ? { 'sasl.mechanism': sasl.mechanism } : {}),
  };
}

/** How Kafka's Java client logs in; undefined where nobody asks it to. */
export function jaas({ sasl }: KafkaAddress): string | undefined {
  if (!sasl) return undefined;
  const module = sasl.mechanism === 'PLAIN' ? 'plain.PlainLoginModule' : 'scram.ScramLoginModule';
  const quoted = (text: string): string =>
    `"${text.replace(/[\\"]/g, '\\$&').replaceAll('\n', '\\n').replaceAll('\r', '\\r')}"`;
  return `org.apache.kafka.common.security.${module} required username=${quoted(sasl.user)} password=${quoted(sasl.password)};`;
}

/**
 * Parts a job's Spark properties into those that may be seen and those that take something from the environment, filled in;
 * what Spark hides in its logs and pages is widened by the names of the latter.
 */
export function splitConf(
  conf: Readonly<Record<string, string>>,
  variables: Readonly<Record<string, string | undefined>>,
): { readonly open: Record<string, string>; readonly secret: Record<string, string> } {
  const isLate = ([, value]: readonly [string, string]): boolean => variablesIn(value).length > 0;
  const late = Object.entries(conf).filter(isLate);
  const open = Object.fromEntries(Object.entries(conf).filter((each) => !isLate(each)));
  if (late.length === 0) return { open, secret: {} };
  const names = late.map(([name]) => `\\Q${name.replace(/^spark\.hadoop\./, '')}\\E`);
  const hidden = `(?i)secret|password|token|access[.]?key|(${names.join('|')})$`;
  const missing = (name: string): string => {
    throw rejected(`environment variable ${name} is not set, and a Spark property asks for it`);
  };
  return {
    open: { ...open, 'spark.redaction.regex': hidden, 'spark.sql.redaction.options.regex': hidden },
    secret: Object.fromEntries(late.map(([name, value]) => [name, filled(value, variables, missing)])),
  };
}

/** One source as the runner reads it: what was pinned, and the rules in Spark's SQL. */
export function runnerInput(name: string, source: Source, pin: Pin, partitions: number, addresses: Addresses): object {
  if (pin.kept) return { name, kind: 'kept', paths: pin.kept.paths, columns: pin.kept.columns };
  const columns = columnsOf(source);
  const typed = columns.map((column) => ({ name: column.name, type: spark.types[column.type] }));
  if ('csv' in source && pin.kind === 'csv') {
    return { name, kind: 'csv', files: pin.files, columns: typed, reason: reasonSql(columns, spark, true) };
  }
  if ('kafka' in source && pin.kind === 'kafka') {
    const address = addresses.kafka(source.kafka);
    const offsets: KafkaPin['partitions'] = pin.partitions;
    return {
      name,
      kind: 'kafka',
      brokers: address.brokers.join(','),
      properties: kafkaProperties(address),
      topic: pin.topic,
      offsets,
      columns: typed,
      reason: reasonSql(columns, spark, true),
    };
  }
  if ('postgres' in source && pin.kind === 'postgres') {
    const address = addresses.postgres(source.postgres);
    return {
      name,
      kind: 'postgres',
      url: jdbcUrl(address),
      user: address.user,
      table: tableName(pin.table),
      snapshot: pin.snapshot,
      predicates: pageRanges(pin, partitions),
      reason: reasonSql(rulesOf(source), spark, false),
    };
  }
  throw new TypeError(`source ${name} was pinned as ${pin.kind}`);
}

/** Even ranges of a table's pages as predicates; the last is open, a view is read in one piece. */
export function pageRanges({ pages }: Pick<PostgresPin, 'pages'>, partitions: number): string[] {
  const ranges = Math.max(1, Math.min(partitions, pages));
  if (ranges === 1) return ['true'];
  const bound = (i: number): string => `'(${Math.floor((pages * i) / ranges)},0)'::tid`;
  return Array.from({ length: ranges }, (_, i) =>
    i === ranges - 1 ? `ctid >= ${bound(i)}` : `ctid >= ${bound(i)} AND ctid < ${bound(i + 1)}`,
  );
}

/** The views of one sink as the runner writes them. */
export function runnerOutputs(output: Output, staged: Staged, addresses: Addresses): object[] {
  const database = 'postgres' in output ? addresses.postgres(output.postgres) : undefined;
  return staged.views.map(({ view, place }) => ({
    view,
    kind: staged.kind,
    place,
    ...(database === undefined ? {} : { url: jdbcUrl(database), user: database.user }),
  }));
}

/**
 * A pgpass file for these databases; colons and backslashes in a value are escaped with a backslash. Throws a rejected
 * SluiceError for a password with a line break, for which such a file has no room.
 */
export function pgpass(databases: readonly PostgresAddress[]): string {
  const broken = databases.find(({ password }) => password !== undefined && /[\r\n]/.test(password));
  if (broken)
    throw rejected(`the password of ${broken.user} at ${broken.host} has a line break, which Spark cannot be given`);
  const escaped = (text: string): string => text.replace(/[\\:]/g, '\\$&');
  const lines = databases.flatMap(({ host, port, database, user, password }) =>
    password === undefined
      ? []
      : [[host, port, database, user, password].map((part) => escaped(String(part))).join(':')],
  );
  return [...new Set(lines)].map((line) => `${line}\n`).join('');
}
