import type { z } from 'zod';
import type { WatchedPipeline } from '../../app/pipelines/watched.ts';
import type { CalendarRange } from '../../app/triggers/calendar.ts';
import type { Looks } from '../../app/triggers/looks.ts';
import type { TriggerOperations } from '../../app/triggers/operations.ts';
import type { planDocumentSchema, serviceSchema } from '../../app/views/documents.ts';
import type { PromiseDocument } from '../../app/views/promises.ts';
import type { lineageSchema } from '../../app/views/telemetry.ts';
import type { CalendarDocument } from '../../app/views/triggers.ts';
import type { Cause, Recorded, Retried } from '../../domain/events.ts';
import type { RunStore } from '../../domain/ports/store.ts';
import type { RunState } from '../../domain/state.ts';
import type { AttemptState } from '../../domain/step-state.ts';
import type { LoadedPipeline } from '../../pipeline/loader.ts';
import type { Durations } from '../metrics/histograms.ts';
import type { LoopLag } from '../metrics/loop-lag.ts';
import type { RequestTimes } from '../metrics/request-times.ts';
import type { FeedHub } from '../streams/hub.ts';

/** What starts a run through the API. */
export interface Start {
  readonly again?: RunState['again'];
  readonly retries?: Retried;
  readonly cause: Cause;
  readonly idempotencyKey?: string;
}

/** The services behind the routes: this process as a controller of one project. */
export interface Api {
  readonly project: string;
  readonly version: string;
  readonly store: RunStore;
  readonly hub: FeedHub;
  /** How long requests to this server took. */
  readonly requests: RequestTimes;
  /** How long this server waits for the store. */
  readonly storeTimes: Durations;
  /** How late the timers of this server are. */
  readonly loopLag: Pick<LoopLag, 'read'>;
  /** The last looks of this server at triggers. */
  readonly looks: Pick<Looks, 'of'>;
  /** The channels of messages that there may be. */
  readonly channels: readonly string[];
  /** The store's time in milliseconds since 1970, as this controller knows it. */
  now(): number;
  /** The name of this controller. */
  owner(): string;
  /** The files of the folder of pipelines, also those with a problem. */
  watched(): Promise<readonly WatchedPipeline[]>;
  /** The pipelines that may be started. */
  pipelines(): Promise<readonly LoadedPipeline[]>;
  readonly triggers: TriggerOperations;
  /** What was and will be of the triggers of some pipelines. */
  calendar(range: CalendarRange): Promise<CalendarDocument>;
  /** Registers a run for any controller. */
  start(loaded: LoadedPipeline, start: Start): Promise<{ readonly run: string; readonly isNew: boolean }>;
  /** Frees a run whose controller is known to be gone, so that any controller takes it over. */
  freeOrphan(run: string): Promise<void>;
  /** Takes the repaired rows of a quarantine in a CSV file. Returns the number of changed rows. */
  repair(state: RunState, source: string | undefined, csv: Uint8Array): Promise<number>;
  /** Measures and plans as a run would, and submits nothing. */
  plan(loaded: LoadedPipeline, isFullRefresh: boolean): Promise<z.input<typeof planDocumentSchema>>;
  /** The lineage of a run, from its history. */
  lineage(history: readonly Recorded[]): Promise<z.input<typeof lineageSchema>>;
  /** The last lines of an attempt's log, without the project's secrets. */
  logLines(attempt: AttemptState): Promise<readonly string[]>;
  /** The path of a local file with the content of an object below the folder of a run. Undefined for any other one. */
  fileOfRun(run: string, uri: string): Promise<string | undefined>;
  /** What pipelines promise, with the record of 30 days, as it was a little while ago. */
  promises(): Promise<readonly PromiseDocument[]>;
  /** Whether the gateway to Spark takes work, as it was a little while ago; undefined when no pipeline needs it. */
  gateway(): Promise<{ readonly problem: string | undefined } | undefined>;
  /** The services of the stack. */
  services(): Promise<readonly z.input<typeof serviceSchema>[]>;
}
