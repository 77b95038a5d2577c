import type { PostgresAddress } from '../../config/addresses.ts';
import { rejected } from '../../lib/errors.ts';
import { filled, variablesIn } from '../../lib/variables.ts';

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
    throw rejected(`environment variable ${name} is not set, and a Spark property requires it`);
  };
  return {
    open: { ...open, 'spark.redaction.regex': hidden, 'spark.sql.redaction.options.regex': hidden },
    secret: Object.fromEntries(late.map(([name, value]) => [name, filled(value, variables, missing)])),
  };
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
