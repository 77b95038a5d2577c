import type { PostgresAddress } from '../../config/addresses.ts';
import { rejected } from '../../lib/errors.ts';
import { filled, variablesIn } from '../../lib/variables.ts';

/** The job description that the runner reads. Plain data without secrets; `Job.java` has the same shape. */
export interface RunnerJob {
  readonly key: string;
  readonly result: string;
  /** The claim file: only the driver that creates it may run. */
  readonly claim: string;
  /** Once this file exists, the runner writes nothing more. */
  readonly revoked: string;
  /** The secrets file, readable by the driver alone. Its shape is `RunnerSecrets`. */
  readonly secrets: string;
  readonly quarantine: string;
  readonly sql: string;
  readonly partitions: number;
  readonly inputs: readonly object[];
  readonly outputs: readonly object[];
}

/** The secrets of a job, in a file that is removed with the attempt; `Secrets.java` has the same shape. */
export interface RunnerSecrets {
  /** Spark properties with values from the environment. */
  readonly conf: Readonly<Record<string, string>>;
  /** The Kafka login of each input, in JAAS syntax. */
  readonly jaas: Readonly<Record<string, string>>;
}

/**
 * Splits Spark properties into open ones and secret ones; secret values are filled in from the environment. Spark's
 * redaction patterns are extended by the names of the secret ones.
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
    throw rejected(`environment variable ${name} is not set, and a Spark property requires it`);
  };
  return {
    open: { ...open, 'spark.redaction.regex': hidden, 'spark.sql.redaction.options.regex': hidden },
    secret: Object.fromEntries(late.map(([name, value]) => [name, filled(value, variables, missing)])),
  };
}

/**
 * A pgpass file for these databases. Colons and backslashes in values are escaped with a backslash. Throws a rejected
 * SluiceError for a password with a line break, which the format cannot hold.
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
