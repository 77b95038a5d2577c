import type { Figure, Recorded } from '../domain/events.ts';
import type { Pipeline } from '../domain/pipeline.ts';
import type { Profiles } from '../domain/plan.ts';
import type { BatchBackend, Progress } from '../domain/ports/backend.ts';
import type { Message } from '../domain/ports/notifier.ts';
import type { Publisher } from '../domain/ports/sink.ts';
import type { SourceReader } from '../domain/ports/source.ts';
import type { RunStore } from '../domain/ports/store.ts';
import type { TaskRunner } from '../domain/ports/task.ts';
import type { Workspace } from '../domain/ports/workspace.ts';
import type { CheckedProfiles, Profile } from '../domain/profile.ts';
import type { RunState } from '../domain/state.ts';
import type { AttemptState } from '../domain/step-state.ts';
import type { Engines } from '../planning/engine.ts';

/** All ports through which the engine acts. */
export interface Ports {
  readonly sourceReader: SourceReader;
  /** Applies the row checks to the snapshots of the sources. */
  readonly checkRows: (pipeline: Pipeline, profiles: Profiles) => Promise<CheckedProfiles>;
  readonly backend: BatchBackend;
  /** The embedded engine, for the attempts whose settings name it. */
  readonly embedded: BatchBackend;
  readonly taskRunner: TaskRunner;
  readonly publisher: Publisher;
  readonly store: RunStore;
  readonly workspace: Workspace;
  /** Spark applications that may live at the same time, over all runs; no limit when undefined. */
  readonly maximumApplications: number | undefined;
  /** The facts by which the engines of steps are chosen; undefined when all are to run on Spark. */
  readonly engines?: (pipeline: Pipeline, profiles: Profiles) => Promise<Engines | undefined>;
  /**
   * Recomputes a published step on the embedded engine, and compares. Returns the compared rows, the seconds of the
   * embedded engine and the first difference. Throws a SluiceError when it could not be compared, also when `stopped`
   * returns a reason.
   */
  readonly shadow?: (of: {
    readonly pipeline: Pipeline;
    readonly profiles: Profiles;
    readonly step: string;
    readonly attempt: AttemptState;
    /** The pair of SQL and schemas that the plan was made for. */
    readonly pair: string | undefined;
    readonly runNumber: number;
    readonly stopped: () => string | undefined;
  }) => Promise<{ readonly rows: number; readonly seconds: number; readonly difference?: string }>;
  /** Writes the report of a run; returns its location. */
  readonly report: (run: string, state: RunState) => Promise<{ file: string; url: string; figures: readonly Figure[] }>;
  /** The rendered messages for the end of a run. */
  readonly messages: (run: string, state: RunState) => readonly Message[];
  /**
   * Messages to receivers of lineage and traces, of what events have changed. `history` is that of a run that has ended
   * with them, and empty before. Left out without receivers.
   */
  readonly telemetry?: (change: {
    readonly before: RunState;
    readonly after: RunState;
    readonly history: readonly Recorded[];
  }) => Promise<readonly Message[]>;
  /** Milliseconds since 1970, monotonic: changes of the system time do not affect it. */
  readonly now: () => number;
  /** Ends early when the signal aborts. */
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>;
  /** Called with every update of the run. */
  readonly onUpdate: (update: RunUpdate) => void;
}

/** An update of a run: an event of its history, or a transient notice. */
export type RunUpdate =
  | { readonly kind: 'event'; readonly record: Recorded; readonly state: RunState }
  | { readonly kind: 'measured'; readonly source: string; readonly profile: Profile; readonly ms: number | undefined }
  | { readonly kind: 'progress'; readonly step: string; readonly progress: Progress }
  /** Only of this process: the store is unavailable or available again, or the run has another owner. */
  | { readonly kind: 'note'; readonly text: string };

/** The backend of an attempt. */
export const backendOf = (
  { backend, embedded }: Pick<Ports, 'backend' | 'embedded'>,
  { settings }: Pick<AttemptState, 'settings'>,
): BatchBackend => (settings?.engine === 'embedded' ? embedded : backend);
