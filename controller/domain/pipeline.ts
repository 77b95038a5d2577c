import type { ZodObject, ZodType } from 'zod';
import type { RunEnd } from './events.ts';
import type { FailureKind } from './failure-kinds.ts';
import type { DataPromise } from './promises.ts';

export const columnTypes = ['string', 'int', 'bigint', 'double', 'boolean', 'date', 'timestamp'] as const;
export type ColumnType = (typeof columnTypes)[number];

/** What computes a Spark step: `auto` is the embedded engine where that is proven to give the same result. */
export const engines = ['spark', 'embedded', 'auto'] as const;
export type EngineChoice = (typeof engines)[number];

/** A text in one language or in both. */
export type LocalizedText = string | { readonly en: string; readonly ru: string };

/** Fields that only the kind interprets. */
interface OfKind {
  readonly [field: string]: unknown;
}

/** A source of any kind. */
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

/** A sink of a step, of any kind. */
export interface Output extends OfKind {
  readonly views: readonly string[];
  readonly unique?: Readonly<Record<string, string>> | undefined;
  readonly schemaChange?: 'refuse' | 'allow' | undefined;
}

/** Durations as written in the file (`5s`). */
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
  /** The project's default, when left out. */
  readonly engine?: EngineChoice | undefined;
  readonly outputs: readonly Output[];
  readonly retry?: Retry | undefined;
  readonly timeout?: string | undefined;
  readonly fallback?: string | undefined;
}

/** A subscription to the end of runs and to alerts, under the key of a notifier's kind. */
export interface Notification extends OfKind {
  readonly on: readonly (RunEnd | 'alert')[];
  readonly language?: 'en' | 'ru' | undefined;
}

/** A trigger of runs, under the key of its kind. */
export interface Trigger extends OfKind {
  /** A condition in CEL; when it is false, the firing is skipped. */
  readonly when?: string | undefined;
  /** Values for conditions and SQL; texts may have {{ CEL }}. */
  readonly with?: Readonly<Record<string, string | number | boolean>> | undefined;
  /** After so many failed runs in a row it pauses. */
  readonly pauseAfter?: number | undefined;
}

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

/** A checked pipeline file; its schema is in pipeline/schema.ts. */
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
  readonly promises?: readonly DataPromise[] | undefined;
  readonly report?: Report | undefined;
  readonly notify: readonly Notification[];
}

/** The static description of a kind of source, output, task or notification. */
export interface Kind {
  /** Its key in the pipeline file. */
  readonly kind: string;
  /**
   * The schema of its fields: for a task or a notification of the value under its key, for the others of the object
   * that has the key.
   */
  readonly spec: ZodType;
  /** The path of the field that names a connection, and the section of conf/connections.yaml with that connection. */
  readonly connection?: {
    readonly section: string;
    readonly at: readonly string[];
    /** The schema of a connection of that section, unless config/ defines it. */
    readonly spec?: ZodType;
  };
  /** The paths of fields that name files: a glob, a folder that may be created, or an existing file. */
  readonly places?: readonly { readonly at: readonly string[]; readonly is: 'glob' | 'folder' | 'file' }[];
}

export interface SourceKind extends Kind {
  /** Whether its columns have types of their own, and an empty text is a value. */
  readonly isTable?: true;
}

export interface TaskKind extends Kind {
  /** The time limit of an attempt when its step sets none; 1h when left out. */
  readonly timeout?: string;
  /** Whether ${NAME} in it is filled in only at execution, so that the value is never stored. */
  readonly isLate?: true;
  /** The fields with texts in which {{ CEL }} is replaced by values of the run. */
  readonly templates?: readonly string[];
}

export interface TriggerKind extends Kind {
  readonly spec: ZodObject;
  /** The schema types of what its firings know, under `trigger` in conditions. */
  readonly facts?: Readonly<Record<string, string>>;
  /** Fields of which ${NAME} is filled in only when it is used, so that the value is never stored. */
  readonly late?: readonly (readonly string[])[];
  /** Fields that name a YAML file as `file`; what it says becomes their `content`, so that it is part of the pipeline. */
  readonly includes?: readonly { readonly field: string; readonly spec: ZodType }[];
  /** What its schema cannot check: names of sources, zones, expressions. */
  broken?(
    trigger: Trigger,
    pipeline: Pipeline,
    kinds: Kinds,
  ): { readonly at: readonly string[]; readonly message: string }[];
}

/** All kinds. The schema of the pipeline file is composed of them. */
export interface Kinds {
  readonly sources: readonly SourceKind[];
  readonly sinks: readonly Kind[];
  readonly tasks: readonly TaskKind[];
  readonly notifiers: readonly Kind[];
  readonly triggers: readonly TriggerKind[];
  /** By the scheme of their URIs. */
  readonly storages: readonly { readonly kind: string }[];
}

/** The kind whose key an object of the pipeline file has. Throws a TypeError when it has none. */
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

/** A source's declared columns in order. Its key column is always required. */
export function columnsOf(source: Source): Column[] {
  return Object.entries(source.columns ?? {}).map(([name, column]) => {
    const long = typeof column === 'string' ? { type: column } : column;
    const required = name === source.key || (long.required ?? false);
    return { name, type: long.type, required, values: long.values };
  });
}

export const isRowCheck = (check: Check): check is RowCheck => check.rows !== undefined;
/** The row checks of a pipeline, in order. */
export const rowChecks = ({ checks }: Pipeline): RowCheck[] => checks.filter(isRowCheck);

/** The SQL files of a job, in order. */
export const sqlFiles = ({ sql }: SparkJob): readonly string[] => [sql].flat();

/** The text in a language. */
export const inLanguage = (text: LocalizedText, language: 'en' | 'ru'): string =>
  typeof text === 'string' ? text : text[language];
