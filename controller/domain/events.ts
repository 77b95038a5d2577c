import type { ErrorKind } from '../lib/errors.ts';
import type { Failure } from './failure.ts';
import type { Pipeline } from './pipeline.ts';
import type { Plan, Profiles, SparkSettings } from './plan.ts';
import type { CheckedProfiles } from './profile.ts';
import type { RunnerResult } from './result.ts';

/** How a run can end; `degraded` succeeded through a fallback, `skipped` had nothing to do. */
export type RunEnd = 'succeeded' | 'degraded' | 'failed' | 'skipped' | 'cancelled';
export type StepEnd = 'succeeded' | 'degraded' | 'failed' | 'skipped' | 'cancelled';

/** One view that people can now read. */
export interface PublishedOutput {
  readonly view: string;
  /** The sink's. */
  readonly kind: string;
  readonly where: string;
  readonly rows: number;
}

/** A batch that a backend has accepted. `key` is ours and finds it again; `id` is the backend's. */
export interface Submission {
  readonly key: string;
  readonly id: string;
}

/** A headline figure of the report, already written for people. */
export interface Figure {
  readonly name: string;
  readonly value: string;
}

/** What an external API answered, or how many rows a database step changed. */
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
  /** `command`, or the kind of a trigger. */
  readonly kind: string;
  /** The name of the trigger in the pipeline. */
  readonly trigger?: string;
  /** What made it one run however often it was seen, such as the time of a schedule. */
  readonly key?: string;
  /** Who asked for it, as user@host. */
  readonly by?: string;
}

interface OfAttempt {
  readonly step: string;
  readonly attempt: number;
}

/** What happened in a run, in order. A run's state is nothing but a fold of these. */
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
      /** What was measured and decided before there was a run: a saved plan, to which it keeps. */
      readonly given?: Given;
      /** Not in histories of earlier versions. */
      readonly cause?: Cause;
    }
  | { readonly type: 'taken-over'; readonly by: string; readonly from: string }
  /** A controller met an error that Sluice does not know; `reason` is its message. */
  | { readonly type: 'controller-failed'; readonly reason: string }
  | { readonly type: 'queued'; readonly behind: readonly string[] }
  | { readonly type: 'queue-left' }
  /** A source did not answer; it is asked again until it does. */
  | { readonly type: 'sources-waiting'; readonly what: string }
  | { readonly type: 'sources-reached'; readonly waitedMs: number }
  | { readonly type: 'sources-measured'; readonly profiles: Profiles; readonly findings: CheckedProfiles['findings'] }
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
      /** What is done differently this time, and the settings that do it. */
      readonly remedy?: string;
      readonly settings?: SparkSettings;
    } & OfAttempt)
  | ({ readonly type: 'outputs-published'; readonly outputs: readonly PublishedOutput[] } & OfAttempt)
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
  /** The store itself was away, and nothing could be noted. */
  | { readonly type: 'store-returned'; readonly awayMs: number }
  | {
      readonly type: 'run-ended';
      readonly state: RunEnd;
      readonly reason: string;
      /** Of the error that ended it before its first step. */
      readonly errorKind?: ErrorKind;
      /** What earlier versions wrote instead: 2 for a rejected request, 3 for what could not be reached. */
      readonly exitCode?: number;
    };

/** A stored event: numbered from 1 within its run, with its time (milliseconds since 1970). */
export interface Recorded {
  readonly seq: number;
  readonly at: number;
  readonly event: RunEvent;
}
