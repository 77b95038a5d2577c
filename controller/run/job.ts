import type { Addresses, PostgresAddress } from '../config/project.ts';
import { tableName } from '../connect/sql.ts';
import { columnsOf, type Output, type Source } from '../pipeline/schema.ts';
import type { KafkaPin, Pin, PostgresPin } from '../profile/port.ts';
import { reasonSql, rulesOf, spark } from '../profile/rules.ts';
import type { Staged } from '../publish/port.ts';

/** The job description that the runner reads. Plain data without secrets; its shape is `Job.java`'s. */
export interface RunnerJob {
  readonly key: string;
  readonly result: string;
  /** The file that only one driver can create: who has it may run. */
  readonly claim: string;
  /** When this file is there, nothing more is written. */
  readonly revoked: string;
  readonly quarantine: string;
  readonly sql: string;
  readonly partitions: number;
  readonly inputs: readonly object[];
  readonly outputs: readonly object[];
}

export const jdbcUrl = ({ host, port, database }: PostgresAddress): string =>
  `jdbc:postgresql://${host}:${port}/${database}`;

/** One source as the runner reads it: what was pinned, and the rules in Spark's SQL. */
export function runnerInput(name: string, source: Source, pin: Pin, partitions: number, addresses: Addresses): object {
  if (pin.kept) return { name, kind: 'kept', paths: pin.kept.paths, columns: pin.kept.columns };
  const columns = columnsOf(source);
  const typed = columns.map((column) => ({ name: column.name, type: spark.types[column.type] }));
  if ('csv' in source && pin.kind === 'csv') {
    return { name, kind: 'csv', files: pin.files, columns: typed, reason: reasonSql(columns, spark, true) };
  }
  if ('kafka' in source && pin.kind === 'kafka') {
    const brokers = addresses.brokers(source.kafka).join(',');
    const offsets: KafkaPin['partitions'] = pin.partitions;
    return {
      name,
      kind: 'kafka',
      brokers,
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

/** A pgpass file for these databases; colons and backslashes in a value are escaped with a backslash. */
export function pgpass(databases: readonly PostgresAddress[]): string {
  const escaped = (text: string): string => text.replace(/[\\:]/g, '\\$&');
  const lines = databases.flatMap(({ host, port, database, user, password }) =>
    password === undefined
      ? []
      : [[host, port, database, user, password].map((part) => escaped(String(part))).join(':')],
  );
  return [...new Set(lines)].map((line) => `${line}\n`).join('');
}
