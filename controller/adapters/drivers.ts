import type { PostgresAddress } from '../config/addresses.ts';
import type { Project } from '../config/project.ts';
import {
  type Kind,
  kindOf,
  type Output,
  type Source,
  type SourceKind,
  type TaskKind,
  type Trigger,
} from '../domain/pipeline.ts';
import type { BatchBackend } from '../domain/ports/backend.ts';
import type { Message, Notifier } from '../domain/ports/notifier.ts';
import type { Publisher, Staged } from '../domain/ports/sink.ts';
import type { SourceReader } from '../domain/ports/source.ts';
import type { Storage } from '../domain/ports/storage.ts';
import type { Firing, TriggerState } from '../domain/ports/store.ts';
import type { TaskRunner } from '../domain/ports/task.ts';
import type { Pin } from '../domain/profile.ts';
import type { RunState } from '../domain/state.ts';
import type { Language } from '../messages/words.ts';
import type { SnapshotOptions } from '../snapshot/snapshot.ts';

/** What adapters are opened with. */
export interface Context {
  readonly project: Project;
  /** A folder of this process, for files that are needed for a while. */
  readonly scratch: string;
  /** What leads to files, wherever they are. */
  readonly storage: Storage;
  /** Where snapshots are written; without it sources are only measured. */
  readonly snapshots?: SnapshotOptions;
}

/** What a job needs beside its description: databases whose passwords go into a pgpass file, a login to Kafka. */
export interface Access {
  readonly databases?: readonly PostgresAddress[];
  readonly jaas?: string | undefined;
}

/** Pinned rows without a snapshot, which the runner reads from the source. */
export interface PinnedInput {
  readonly name: string;
  readonly source: Source;
  readonly pin: Pin;
  /** Into how many pieces a job divides what it reads. */
  readonly partitions: number;
}

/** What a driver may say of conf/ before anything is opened. */
export interface Checked {
  /** Throws a rejected SluiceError for what conf/ says of the connection that a value names, and cannot be kept to. */
  check?(value: unknown, project: Project): void;
}

/** A kind of source: one file and a line in app/registry.ts. Libraries are loaded when it is opened. */
export interface SourceDriver extends SourceKind, Checked {
  open(context: Context): Promise<SourceReader>;
  /** How the runner reads rows without a snapshot; left out when all rows always have one. */
  input?(unkept: PinnedInput, project: Project): Access & { readonly input: object };
}

/** A kind of sink. */
export interface SinkDriver extends Kind, Checked {
  open(context: Context): Promise<Publisher>;
  /** Where an attempt stages its views. Pure. */
  stage(
    output: Output,
    key: string,
    root: string,
  ): { readonly target: string; readonly placeOf: (view: string) => string };
  /** How the runner writes what is staged, where `kind` in the fields is not its own: `parquet` or `csv` into a folder, `postgres` into a table. */
  writes(output: Output, staged: Staged, project: Project): Access & { readonly fields: object };
  /** `as Parquet in marts/orders` */
  describe(output: Output): string;
  /** What DuckDB reads a published view from, by its files on this machine; left out where reports cannot be made of it. */
  relation?(files: readonly string[]): string;
}

/** A kind of step beside Spark jobs. */
export interface TaskDriver extends TaskKind, Checked {
  open(context: Context): Promise<TaskRunner>;
  /** `calls POST https://…` */
  describe(task: unknown): string;
}

/** A kind of notification. */
export interface NotifierDriver extends Kind, Checked {
  open(context: Context): Promise<Notifier>;
  /** What the end of a run causes, rendered; the same, with the same id, whenever it is made. Pure. */
  messages(run: string, state: RunState, options: { readonly from: string; readonly language: Language }): Message[];
  /** The address of a notification, for people. */
  describe(value: unknown): string;
}

/** A kind of trigger. */
export interface TriggerDriver extends Kind, Checked {
  /**
   * The firings that are due, and what is accounted for with them, as plain JSON. May be asked by several controllers at once
   * and again with the same cursor; firings for the same reason have the same key.
   */
  poll(trigger: Trigger, known: TriggerState, context: Context): Promise<Due>;
  /** `every 15m` */
  describe(trigger: Trigger): string;
}

export interface Due {
  readonly firings: readonly Firing[];
  readonly cursor: unknown;
}

/** Where files can be that driver, executors and controllers share. */
export interface StorageDriver {
  /** The scheme of its URIs: `file`, `s3`. */
  readonly kind: string;
  open(context: Pick<Context, 'project' | 'scratch'>): Promise<Storage>;
}

/** Where Spark applications run. Opening it reaches nothing yet. */
export interface BackendDriver {
  /** `spark.backend` in conf/connections.yaml. */
  readonly kind: string;
  open(context: {
    readonly project: Project;
    /** What jobs on the local stack are given. */
    readonly local: {
      readonly conf: () => Readonly<Record<string, string>>;
      readonly archives: () => { readonly driver: string; readonly executor: string } | undefined;
    };
  }): Promise<BatchBackend>;
}

/** All drivers there are. */
export interface Registry {
  readonly sources: readonly SourceDriver[];
  readonly sinks: readonly SinkDriver[];
  readonly tasks: readonly TaskDriver[];
  readonly notifiers: readonly NotifierDriver[];
  readonly backends: readonly BackendDriver[];
  readonly storages: readonly StorageDriver[];
  readonly triggers: readonly TriggerDriver[];
}

/** Where an attempt stages a sink of its step; `rowsOf` is asked for the rows of each place. */
export function stagedAt(
  sinks: readonly SinkDriver[],
  output: Output,
  {
    root,
    key,
    rowsOf = () => 0,
  }: { readonly root: string; readonly key: string; readonly rowsOf?: (place: string) => number },
): Staged {
  const { kind, stage } = kindOf(sinks, output);
  const { target, placeOf } = stage(output, key, root);
  const views = output.views.map((view) => {
    const [place, unique] = [placeOf(view), output.unique?.[view]];
    return { view, place, rows: rowsOf(place), ...(unique === undefined ? {} : { unique }) };
  });
  return { kind, target, key, ...(output.schemaChange === 'allow' ? { mayChange: true } : {}), views };
}
