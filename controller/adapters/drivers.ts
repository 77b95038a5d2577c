import type { ZodType } from 'zod';
import type { PostgresAddress } from '../config/addresses.ts';
import type { Project } from '../config/project.ts';
import type { Dataset } from '../domain/dataset.ts';
import {
  type Kind,
  kindOf,
  type Output,
  type Pipeline,
  type Source,
  type SourceKind,
  type TaskKind,
  type Trigger,
  type TriggerKind,
} from '../domain/pipeline.ts';
import type { BatchBackend } from '../domain/ports/backend.ts';
import type { Notifier } from '../domain/ports/notifier.ts';
import type { Publisher, Staged } from '../domain/ports/sink.ts';
import type { SourceReader } from '../domain/ports/source.ts';
import type { Storage, Uri } from '../domain/ports/storage.ts';
import type { EventFeed } from '../domain/ports/store.ts';
import type { TaskRunner } from '../domain/ports/task.ts';
import type { TriggerName, TriggerState, TriggerStore } from '../domain/ports/triggers.ts';
import type { Pin } from '../domain/profile.ts';
import type { Notice } from '../messages/notice.ts';
import type { SnapshotOptions } from '../snapshot/snapshot.ts';
import type { Due, DueFiring, Instant, ReceivedRequest } from './firing.ts';
import type { SourceWatch } from './source-watch.ts';

/** What a driver receives to open its adapter. */
export interface Context {
  readonly project: Project;
  /** A folder for temporary files of this process. */
  readonly scratch: string;
  /** Access to files in all storages. */
  readonly storage: Storage;
  /** Where snapshots are written. Without it, sources are only measured. */
  readonly snapshots?: SnapshotOptions;
}

/** What a job needs beside its description: databases whose passwords go into a pgpass file, and a login to Kafka. */
export interface Access {
  readonly databases?: readonly PostgresAddress[];
  readonly jaas?: string | undefined;
}

/** Pinned rows without a snapshot. The runner reads them from the source. */
export interface PinnedInput {
  readonly name: string;
  readonly source: Source;
  readonly pin: Pin;
  /** The number of partitions in which the job reads them. */
  readonly partitions: number;
}

/** Checks of conf/ before an adapter is opened. */
export interface Checked {
  /** Throws a rejected SluiceError when the connection that a value names is misconfigured in conf/. */
  check?(value: unknown, project: Project): void;
}

/** A kind of source: one file and a line in app/registry.ts. Its libraries are loaded by `open`. */
export interface SourceDriver extends SourceKind, Checked {
  open(context: Context): Promise<SourceReader>;
  /** How the runner reads rows without a snapshot. Left out when all rows always fit a snapshot. */
  input?(pinned: PinnedInput, project: Project): Access & { readonly input: object };
  /** Its name in lineage; the project's own, when left out. Throws a rejected SluiceError for a misconfigured one. */
  dataset?(source: Source, project: Project): Dataset;
  /** Cheap looks at the source, for triggers. */
  watch?(context: Context): Promise<SourceWatch>;
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
  /**
   * How the runner writes staged views. `kind` in the fields overrides the sink's own: `parquet` or `csv` into a
   * folder, `postgres` into a table.
   */
  writes(output: Output, staged: Staged, project: Project): Access & { readonly fields: object };
  /** Where a published view stays although newer runs replace it. Left out when it does not. */
  publishedAt?(staged: Pick<Staged, 'target' | 'key'>, runNumber: number, view: string): Uri;
  /** The name of a published view in lineage, as for sources. */
  dataset?(output: Output, view: string, project: Project): Dataset;
  /** `as Parquet in marts/orders` */
  describe(output: Output): string;
  /** The DuckDB relation of a published view, given its local files. Left out when reports cannot read this kind. */
  relation?(files: readonly string[]): string;
}

/** A kind of step outside Spark. */
export interface TaskDriver extends TaskKind, Checked {
  open(context: Context): Promise<TaskRunner>;
  /** `calls POST https://…` */
  describe(task: unknown): string;
}

/** A kind of notification. */
export interface NotifierDriver extends Kind, Checked {
  open(context: Context): Promise<Notifier>;
  /** The fields of the message of a notice. Pure. */
  render(notice: Notice, options: { readonly from: string }): Readonly<Record<string, unknown>>;
  /** How often programs must be told of an alert that lasts; people are told as conf/ says. Milliseconds. */
  readonly repeatMs?: number;
  /** Each alert is an incident of its own there; several are never told in one message. */
  readonly isIncident?: true;
  /** The address of a notification, for people. */
  describe(value: unknown): string;
}

/** A kind of receiver of telemetry. All receivers in its section of conf/ get all runs. */
export interface TelemetryDriver {
  readonly kind: string;
  readonly connection: { readonly section: string; readonly at: readonly string[]; readonly spec: ZodType };
  /** What it takes: each event of lineage, or the trace of a run at its end. */
  readonly takes: 'lineage' | 'trace';
  open(context: Context): Promise<Notifier>;
}

/** What a trigger is polled with. */
export interface PollContext extends Context, TriggerName {
  readonly pipeline: string;
  readonly sources: Pipeline['sources'];
  readonly sourceKinds: readonly SourceDriver[];
  readonly store: Pick<EventFeed, 'endsSince'> & Pick<TriggerStore, 'firings'>;
  /** Survives from poll to poll in this process, and nothing else. */
  readonly memory: Map<string, unknown>;
  readonly signal: AbortSignal;
}

/** A kind of trigger. */
export interface TriggerDriver extends TriggerKind, Checked {
  /**
   * The due firings, and the cursor that accounts for them, as plain JSON. Several controllers may call it at once, and
   * repeatedly with the same cursor. Firings for the same reason have the same key. A paused trigger is not polled.
   */
  poll(trigger: Trigger, known: TriggerState, context: PollContext): Promise<Due>;
  /** The firing of a request, for kinds that are called. Throws a Refusal, or a rejected SluiceError. Pure. */
  receive?(trigger: Trigger, request: ReceivedRequest): DueFiring;
  /** The instants after a time, in order, for kinds that fire by the clock. */
  instants?(trigger: Trigger, after: number, armed: number): Iterable<Instant>;
  /** How much later than its instant a firing may start. Milliseconds. */
  delayMs?(trigger: Trigger): number;
  /** Fields with which a poll does not wait until what it has found is complete: to skip it. */
  readonly hurried?: Partial<Trigger>;
  /** `every 15m` */
  describe(trigger: Trigger): string;
  /** What is worth knowing before it fires, a line each. */
  remarks?(trigger: Trigger, now: number): string[];
}

/** A kind of storage: files that driver, executors and controllers share. */
export interface StorageDriver {
  /** The scheme of its URIs: `file`, `s3`. */
  readonly kind: string;
  open(context: Pick<Context, 'project' | 'scratch'>): Promise<Storage>;
}

/** A kind of backend. `open` does not connect yet. */
export interface BackendDriver {
  /** `spark.backend` in conf/connections.yaml. */
  readonly kind: string;
  open(context: {
    readonly project: Project;
    readonly storage: Storage;
    /** How the embedded engine starts its processes, and recognises them. */
    readonly embedded: {
      readonly worker: readonly string[];
      readonly isGone: (owner: string) => Promise<boolean>;
      readonly pidOf: (owner: string) => number | undefined;
    };
    /** Spark properties and AppCDS archives for jobs on the local stack. */
    readonly local: {
      readonly conf: () => Readonly<Record<string, string>>;
      readonly archives: () => { readonly driver: string; readonly executor: string } | undefined;
    };
  }): Promise<BatchBackend>;
}

/** All drivers. */
export interface Registry {
  readonly sources: readonly SourceDriver[];
  readonly sinks: readonly SinkDriver[];
  readonly tasks: readonly TaskDriver[];
  readonly notifiers: readonly NotifierDriver[];
  readonly telemetry: readonly TelemetryDriver[];
  readonly backends: readonly BackendDriver[];
  readonly storages: readonly StorageDriver[];
  readonly triggers: readonly TriggerDriver[];
}

/** Where an attempt stages a sink of its step; `rowsOf` returns the rows of a place. */
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
