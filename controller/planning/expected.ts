import type { RunState } from '../domain/state.ts';

/** A successful attempt of a Spark step in an earlier run. */
export interface PastAttempt {
  readonly step: string;
  readonly engine: 'spark' | 'embedded';
  /** The rows that it read. */
  readonly rows: number;
  /** From its intent to its known end. */
  readonly seconds: number;
}

/** The middle of some earlier attempts. */
export interface Expected {
  readonly seconds: number;
  readonly runs: number;
}

/** What a step is expected to take on each engine that it has run on. */
export type ExpectedStep = Partial<Record<PastAttempt['engine'], Expected>>;

/** Attempts are comparable up to this many times the rows, or as many times fewer. */
const comparable = 2;
/** The newest attempts tell most about the machine of today. */
const most = 5;

/** The successful attempts of a run's Spark steps, and what their shadows took. Pure. */
export function pastAttempts({ steps }: RunState): PastAttempt[] {
  return Object.values(steps).flatMap(({ name: step, attempts, shadow }) =>
    attempts.flatMap(({ number, settings, startedAt, ended, result }) => {
      if (!settings || !result || ended?.state !== 'succeeded') return [];
      const rows = result.inputs.reduce((sum, { read }) => sum + read, 0);
      const engine = settings.engine ?? 'spark';
      const own: PastAttempt = { step, engine, rows, seconds: (ended.at - startedAt) / 1000 };
      if (shadow?.seconds === undefined || shadow.attempt !== number) return [own];
      return [own, { ...own, engine: 'embedded', seconds: shadow.seconds }];
    }),
  );
}

/** What a step over this many rows is expected to take, from earlier attempts, newest first. Pure. */
export function expectedOf(past: readonly PastAttempt[], step: string, rows: number): ExpectedStep {
  const near = past.filter(
    (each) => each.step === step && each.rows <= rows * comparable && rows <= each.rows * comparable,
  );
  return Object.fromEntries(
    (['spark', 'embedded'] as const).flatMap((engine) => {
      const seconds = near.flatMap((each) => (each.engine === engine ? each.seconds : [])).slice(0, most);
      return seconds.length === 0 ? [] : [[engine, { seconds: middle(seconds), runs: seconds.length }]];
    }),
  );
}

const middle = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] as number;
