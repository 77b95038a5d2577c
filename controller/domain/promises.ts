/** What a pipeline promises to its readers: exactly one of the fields beside the name. Durations are texts such as 24h. */
export interface DataPromise {
  readonly name: string;
  /** On days of a cron expression's weekday field, something is published from a time of day until another one. */
  readonly published?:
    | { readonly by: string; readonly from: string; readonly on: string; readonly zone: string }
    | undefined;
  /** What is published is never older. */
  readonly fresherThan?: string | undefined;
  /** Each run ends within so long of its start. */
  readonly endsWithin?: string | undefined;
  /** A condition in CEL over the measures of the last run that has a plan. */
  readonly holds?: string | undefined;
}

export const promiseStates = ['kept', 'at-risk', 'broken', 'unknown'] as const;

/** How it stands with a promise. */
export interface PromiseStatus {
  readonly state: (typeof promiseStates)[number];
  /** When it is due next, or will be broken if nothing happens. Milliseconds since 1970. */
  readonly due?: number;
  /** Values of its text: how old, how long. Seconds. */
  readonly facts: Readonly<Record<string, string | number>>;
}

/** How often it was kept within the last 30 days: of deadlines, days or runs. */
export interface PromiseRecord {
  readonly kept: number;
  readonly of: number;
  /** Whether it was kept each of the last times, the newest first. */
  readonly recent: readonly boolean[];
}
