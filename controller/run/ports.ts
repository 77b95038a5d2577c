import type { BatchBackend, Progress } from '../backends/port.ts';
import type { Caller } from '../calls/port.ts';
import type { Cluster } from '../decide/sizing.ts';
import type { Profiles } from '../decide/values.ts';
import type { Message } from '../notify/port.ts';
import type { Pipeline } from '../pipeline/schema.ts';
import type { Profile, Reviewed, SourceProbe } from '../profile/port.ts';
import type { Publisher } from '../publish/port.ts';
import type { RunStore } from '../store/port.ts';
import type { Figure, Recorded } from './events.ts';
import type { RunState } from './state.ts';
import type { Workspace } from './workspace.ts';

/** Everything the engine acts through. */
export interface Ports {
  readonly probe: SourceProbe;
  /** Judges the rows that the probe has kept. */
  readonly review: (pipeline: Pipeline, profiles: Profiles) => Promise<Reviewed>;
  readonly backend: BatchBackend;
  readonly caller: Caller;
  readonly publisher: Publisher;
  readonly store: RunStore;
  readonly workspace: Workspace;
  readonly cluster: () => Promise<Cluster>;
  /** Spark applications that may live at the same time, over all runs; no limit when undefined. */
  readonly maximumApplications: number | undefined;
  /** Writes the report of a run; returns where it is. */
  readonly report: (run: string, state: RunState) => Promise<{ file: string; url: string; figures: readonly Figure[] }>;
  /** The mails that a run's end causes, rendered. */
  readonly messages: (run: string, state: RunState) => readonly Message[];
  /** Milliseconds since 1970, steadily: a clock that somebody sets does not move it. */
  readonly now: () => number;
  /** Ends early when the signal says so. */
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>;
  /** Hears what happens as it happens. */
  readonly told: (news: News) => void;
}

/** What a watcher is told: what went into the history, and what passes without being kept. */
export type News =
  | { readonly kind: 'event'; readonly record: Recorded; readonly state: RunState }
  | { readonly kind: 'measured'; readonly source: string; readonly profile: Profile; readonly ms: number | undefined }
  | { readonly kind: 'progress'; readonly step: string; readonly progress: Progress }
  /** Of this process alone: the store is away or back, the run was given up to another controller. */
  | { readonly kind: 'note'; readonly text: string };
