import type { ErrorKind } from '../lib/errors.ts';
import type { Failure } from './failure.ts';
import type { Pipeline } from './pipeline.ts';
import type { Plan, SparkSettings } from './plan.ts';
import type { CheckedProfiles } from './profile.ts';
import type { RunnerResult } from './result.ts';

/** How a run can end; `degraded` succeeded through a fallback, `skipped` had nothing to do. */
export type RunEnd = 'succeeded' | 'degraded' | 'failed' | 'skipped' | 'cancelled';
export type StepEnd = 'succeeded' | 'degraded' | 'failed' | 'skipped' | 'cancelled';

/** One published view. */
export interface PublishedOutput {
  readonly view: string;
  /** The kind of its sink. */
  readonly kind: string;
  readonly where: string;
  readonly rows: number;
}

/** A batch that a backend has accepted. `key` is ours and finds it again; `id` is the backend's. */
export interface Submission {
  readonly key: string;
  readonly id: string;
}

/** A headline figure of the report, formatted for people. */
export interface Figure {
  readonly name: string;
  readonly value: string;
}

/** The response of an external API, or the number of rows that a database step changed. */
export interface Answer {
  readonly status?: number;
  /** Parsed when it is JSON, else its text. */
  readonly body: unknown;
}

/** Measures with existing snapshots, and the plan for them. */
export interface Given extends CheckedProfiles {
  readonly plan: Plan;
}

/** What started a run. */
export interface Cause {
  /** `command`, `api`, or the kind of a trigger. */
  readonly kind: string;
  /** The name of the trigger in the pipeline. */
  readonly trigger?: string;
  /** Identifies the reason for a run, such as a scheduled time: one run a key, however often it is reported. */
  readonly key?: string;
  /** Who started it: user@host, or the name of an API token. */
  readonly by?: string;
  /** When the trigger was due. Milliseconds since 1970. */
  readonly due?: number;
  /** The wall time for which a schedule fired: `2026-11-24T06:00`. */
  readonly time?: string;
  /** What the trigger knows: a file, a message, the body of a request. Plain JSON. */
  readonly facts?: Readonly<Record<string, unknown>>;
  /** The values of `with`. */
  readonly with?: Readonly<Record<string, unknown>>;
  /** Where in a trace the request was that started it: a valid header `traceparent`. */
  readonly traceparent?: string;
  /** Identifies the API request that gave the key: the same key with another request is refused. */
  readonly request?: string;
}

/** The ended run that a run repeats. */
export interface Retried {
  readonly run: string;
  /** Only this step and what depends on it are computed again, and what had not succeeded. */
  readonly fromStep?: string;
  /** The sources are measured again, though the rows of that run may still be there. */
  readonly fresh?: true;
}

/** Whose inputs the retry of a run reads. */
export interface ReusedInputs {
  readonly of: string;
  /** Why the inputs of that run could not be reused, and the sources were measured again. */
  readonly gone?: string;
}

interface OfAttempt {
  readonly step: string;
  readonly attempt: number;
}

/** The events of a run, in order. Its state is a fold of them. */
export type RunEvent =
  | {
      readonly type: 'run-started';
      readonly run: string;
      readonly pipeline: Pipeline;
      readonly file: string;
      /**
       * Full refresh: all rows count as new, and topics are read again, from a time (milliseconds) or from their
       * beginning.
       */
      readonly again?: { readonly again: true; readonly since?: number };
      /** The measures and the plan from before the run, when it applies a saved plan. */
      readonly given?: Given;
      /** Missing in histories of earlier versions. */
      readonly cause?: Cause;
      readonly retries?: Retried;
    }
  | { readonly type: 'taken-over'; readonly by: string; readonly from: string }
  /** A controller met an unexpected error; `reason` is its message. */
  | { readonly type: 'controller-failed'; readonly reason: string }
  | { readonly type: 'queued'; readonly behind: readonly string[] }
  | { readonly type: 'queue-left' }
  /** A firing that came before the run began to measure: the run takes it along. */
  | { readonly type: 'triggered'; readonly cause: Cause }
  /**
   * A controller is about to measure the sources. What happens to them from the first such event on may be missed by
   * this run.
   */
  | { readonly type: 'measuring' }
  /** A source is unavailable and is retried. */
  | { readonly type: 'sources-waiting'; readonly what: string }
  | { readonly type: 'sources-reached'; readonly waitedMs: number }
  | ({ readonly type: 'sources-measured'; readonly inputs?: ReusedInputs } & CheckedProfiles)
  /** The step is not computed again: what the repeated run has published of it stands. */
  | {
      readonly type: 'step-reused';
      readonly step: string;
      readonly state: StepEnd;
      /** Of the end of the step in that run. */
      readonly reason: string;
      readonly from: string;
      readonly outputs?: readonly PublishedOutput[];
      readonly answer?: Answer;
    }
  | { readonly type: 'planned'; readonly plan: Plan }
  /** The pinned rows are no longer readable: the sources are measured again, and unpublished steps restart. */
  | { readonly type: 'inputs-lost'; readonly reason: string }
  | { readonly type: 'step-held'; readonly step: string; readonly reason: string }
  | ({ readonly type: 'attempt-intended'; readonly key: string; readonly settings?: SparkSettings } & OfAttempt)
  | ({ readonly type: 'attempt-submitted'; readonly submission: Submission } & OfAttempt)
  | ({ readonly type: 'application-found'; readonly applicationId: string; readonly ui?: string } & OfAttempt)
  | ({ readonly type: 'attempt-waiting'; readonly what: string } & OfAttempt)
  | ({ readonly type: 'attempt-reached'; readonly waitedMs: number } & OfAttempt)
  | ({
      readonly type: 'attempt-ended';
      readonly state: 'succeeded' | 'failed' | 'cancelled';
      readonly failure?: Failure;
      readonly result?: RunnerResult;
      readonly answer?: Answer;
    } & OfAttempt)
  | ({
      readonly type: 'retry-scheduled';
      readonly at: number;
      readonly reason: string;
      /** The mitigation of this retry, and its settings. */
      readonly remedy?: string;
      readonly settings?: SparkSettings;
    } & OfAttempt)
  | ({ readonly type: 'outputs-published'; readonly outputs: readonly PublishedOutput[] } & OfAttempt)
  /** The embedded engine has recomputed a step of Spark; `difference` when it computed something else. */
  | ({
      readonly type: 'shadow-compared';
      readonly rows: number;
      /** What the embedded engine took; left out in older histories. */
      readonly seconds?: number;
      readonly difference?: string;
      /** Why they were not compared. */
      readonly skipped?: string;
    } & OfAttempt)
  | { readonly type: 'fallback-chosen'; readonly step: string; readonly to: string; readonly reason: string }
  | { readonly type: 'step-ended'; readonly step: string; readonly state: StepEnd; readonly reason: string }
  | {
      readonly type: 'report-written';
      readonly file: string;
      readonly url: string;
      readonly figures: readonly Figure[];
    }
  | { readonly type: 'report-failed'; readonly reason: string }
  | { readonly type: 'cancel-requested'; readonly by: string }
  /** The store was unavailable, and no event could be stored. */
  | { readonly type: 'store-returned'; readonly awayMs: number }
  | {
      readonly type: 'run-ended';
      readonly state: RunEnd;
      readonly reason: string;
      /** The kind of the error that ended the run before its first step. */
      readonly errorKind?: ErrorKind;
      /** Written by earlier versions instead: 2 for `rejected`, 3 for `unavailable`. */
      readonly exitCode?: number;
    };

/** A comparison of a published step with the embedded engine. */
export type ShadowCompared = Extract<RunEvent, { type: 'shadow-compared' }>;

/** A stored event: numbered from 1 within its run, with its time (milliseconds since 1970). */
export interface Recorded {
  readonly seq: number;
  readonly at: number;
  readonly event: RunEvent;
}
