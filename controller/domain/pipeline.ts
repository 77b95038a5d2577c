import type { ZodType } from 'zod';
import type { RunEnd } from './events.ts';
import type { FailureKind } from './failure-kinds.ts';

export const columnTypes = ['string', 'int', 'bigint', 'double', 'boolean', 'date', 'timestamp'] as const;
export type ColumnType = (typeof columnTypes)[number];

/** A text that may be given in both languages. */
export type LocalizedText = string | { readonly en: string; readonly ru: string };

/** Fields that the kind alone knows. */
interface OfKind {
  readonly [field: string]: unknown;
}

/** A source, whatever its kind. */
export interface Source extends OfKind {
  readonly key: string;
  readonly columns?:
    | Readonly<
        Record<
          string,
          | ColumnType
          | {
              readonly type: ColumnType;
              readonly required?: boolean | undefined;
              readonly values?: readonly string[] | undefined;
            }
        >
      >
    | undefined;
}

export interface Check {
  readonly name: string;
  readonly expect?: string | undefined;
  readonly rows?: string | undefined;
  readonly where?: string | undefined;
  readonly otherwise: 'fail' | 'quarantine' | 'warn';
}
export type RowCheck = Check & { readonly rows: string; readonly where: string };

export interface Branch {
  readonly name: string;
  readonly if?: string | undefined;
  readonly says?: LocalizedText | undefined;
}

/** A Spark job. Memory as Spark writes it (`2g`). */
export interface SparkJob {
  readonly sql: string | readonly string[];
  readonly inputs?: readonly string[] | undefined;
  readonly executors?: number | undefined;
  readonly executorCores?: number | undefined;
  readonly executorMemory?: string | undefined;
  readonly driverMemory?: string | undefined;
  readonly conf?: Readonly<Record<string, string>> | undefined;
}

/** A sink of a step, whatever its kind. */
export interface Output extends OfKind {
  readonly views: readonly string[];
  readonly unique?: Readonly<Record<string, string>> | undefined;
  readonly schemaChange?: 'refuse' | 'allow' | undefined;
}

/** Durations as they are written (`5s`). */
interface Pauses {
  readonly initialInterval: string;
  readonly backoffCoefficient: number;
  readonly maximumInterval: string;
}
type Optional<T> = { readonly [K in keyof T]?: T[K] | undefined };
export interface Retry extends Pauses {
  readonly maximumAttempts: number;
  readonly patience: string;
  readonly on: Readonly<
    Partial<Record<FailureKind, number | (Optional<Pauses> & { readonly maximumAttempts?: number | undefined })>>
  >;
}

/** A step: a Spark job, or a task under the key of its kind. */
export interface Step extends OfKind {
  readonly if?: string | undefined;
  readonly needs?: readonly string[] | undefined;
  readonly spark?: SparkJob | undefined;
  readonly outputs: readonly Output[];
  readonly retry?: Retry | undefined;
  readonly timeout?: string | undefined;
  readonly fallback?: string | undefined;
}

/** Who is notified of the end of a run, under the key of a notifier's kind. */
export interface Notification extends OfKind {
  readonly on: readonly RunEnd[];
  readonly language?: 'en' | 'ru' | undefined;
}

/** What starts a run, under the key of a trigger's kind. */
export type Trigger = OfKind;

export interface Report {
  readonly title: LocalizedText;
  readonly figures: readonly { readonly name: LocalizedText; readonly sql: string }[];
  readonly charts: readonly {
    readonly title: LocalizedText;
    readonly kind: 'line' | 'bar' | 'pie';
    readonly sql: string;
  }[];
  readonly tables: readonly { readonly title: LocalizedText; readonly sql: string }[];
  readonly spreadsheets: readonly string[];
}

/** A pipeline file, checked; pipeline/schema.ts says what may be in it. */
export interface Pipeline {
  readonly name: string;
  readonly description?: string | undefined;
  readonly sources: Readonly<Record<string, Source>>;
  readonly checks: readonly Check[];
  readonly branches: readonly Branch[];
  readonly steps: Readonly<Record<string, Step>>;
  readonly concurrency: 'queue' | 'skip' | 'replace' | 'parallel';
  readonly parallelism: number;
  readonly triggers?: Readonly<Record<string, Trigger>> | undefined;
  readonly report?: Report | undefined;
  readonly notify: readonly Notification[];
}

/** What is known of a kind of source, output, task or notification before any of its work is done. */
export interface Kind {
  /** The key by which the pipeline file has it. */
  readonly kind: string;
  /** All its fields: of a task or a notification the value under its key, of the others the object that has the key. */
  readonly spec: ZodType;
  /** Where it names a connection, and the section of conf/connections.yaml that has to have it. */
  readonly connection?: {
    readonly section: string;
    readonly at: readonly string[];
    /** A connection of that section, unless config/ knows it itself. */
    readonly spec?: ZodType;
  };
  /** Where it names something in the project: a glob, a folder that may be made, or a file that has to be there. */
  readonly places?: readonly { readonly at: readonly string[]; readonly is: 'glob' | 'folder' | 'file' }[];
}

export interface SourceKind extends Kind {
  /** Whether its columns have types of their own, and an empty text is a value. */
  readonly isTable?: true;
}

export interface TaskKind extends Kind {
  /** How long an attempt may take when its step does not say so; 1h, when left out. */
  readonly timeout?: string;
  /** Whether ${NAME} in it is filled in only when it is done: the value is kept nowhere. */
  readonly isLate?: true;
  /** The fields in whose texts {{ CEL }} is filled in with the run's values. */
  readonly templates?: readonly string[];
}

/** All kinds there are; the pipeline file's schema is made of them. */
export interface Kinds {
  readonly sources: readonly SourceKind[];
  readonly sinks: readonly Kind[];
  readonly tasks: readonly TaskKind[];
  readonly notifiers: readonly Kind[];
  readonly triggers: readonly Kind[];
  /** By the scheme of their URIs. */
  readonly storages: readonly { readonly kind: string }[];
}

/** The kind whose key an object of the pipeline file has. Throws a TypeError for an object of none of them. */
export function kindOf<K extends { readonly kind: string }>(kinds: readonly K[], of: object): K {
  const found = kinds.find(({ kind }) => (of as Readonly<Record<string, unknown>>)[kind] !== undefined);
  if (!found) throw new TypeError(`none of ${kinds.map(({ kind }) => kind).join(', ')} is in ${JSON.stringify(of)}`);
  return found;
}

/** A declared column of a source. */
export interface Column {
  readonly name: string;
  readonly type: ColumnType;
  readonly required: boolean;
  readonly values: readonly string[] | undefined;
}

/** A source's declared columns in order; its key is always required. */
export function columnsOf(source: Source): Column[] {
  return Object.entries(source.columns ?? {}).map(([name, column]) => {
    const long = typeof column === 'string' ? { type: column } : column;
    const required = name === source.key || (long.required ?? false);
    return { name, type: long.type, required, values: long.values };
  });
}

export const isRowCheck = (check: Check): check is RowCheck => check.rows !== undefined;
/** The checks that look at each row of a source, in order. */
export const rowChecks = ({ checks }: Pipeline): RowCheck[] => checks.filter(isRowCheck);

/** The SQL files of a job, in order. */
export const sqlFiles = ({ sql }: SparkJob): readonly string[] => [sql].flat();

/** A text that may be given in both languages. */
export const inLanguage = (text: LocalizedText, language: 'en' | 'ru'): string =>
  typeof text === 'string' ? text : text[language];
