import type { RunSummary } from '../domain/ports/store.ts';
import type { DataPromise, PromiseRecord, PromiseStatus } from '../domain/promises.ts';
import { milliseconds } from '../lib/duration.ts';
import { parseCron } from '../schedule/cron.ts';
import { instants, instantsBetween, type Schedule } from '../schedule/instants.ts';
import { dayMs, minuteMs } from '../schedule/wall.ts';
import { firstAt } from '../schedule/zone.ts';

/** What promises are judged by. Times are milliseconds since 1970. */
export interface Evidence {
  readonly now: number;
  /** Since when the pipeline is known: what was due before is not promised. */
  readonly since: number;
  /** The end of the last run that published. */
  readonly published: number | undefined;
  /** Runs of the pipeline, the newest first. */
  readonly runs: readonly RunSummary[];
  /** Whether the condition holds, and the values that it has; undefined when there is no run to judge it by, or it cannot be evaluated. */
  readonly holds: { readonly is: boolean; readonly values: readonly string[] } | undefined;
}

/** A promise is at risk from this share of its limit on. */
const riskFrom = 0.8;
/** Durations of this many runs tell how long one takes. */
const recentRuns = 20;
const recordDays = 30;
/** As many of the last times are told one by one. */
const mostRecent = 30;
/** Of the values of a condition. Characters. */
const longestValues = 300;

const isPublished = ({ state, ended }: RunSummary): boolean =>
  ended !== undefined && (state === 'succeeded' || state === 'degraded');
const tookMs = ({ started, ended }: RunSummary): number => Math.max(0, (ended ?? started) - started);
const secondsOf = (ms: number): number => Math.round(ms / 1000);

/** How it stands with a promise now. Pure. */
export function statusOf(promise: DataPromise, evidence: Evidence): PromiseStatus {
  if (promise.published) return deadlineStatus(promise.published, evidence);
  if (promise.fresherThan !== undefined) return freshness(milliseconds(promise.fresherThan), evidence);
  if (promise.endsWithin !== undefined) return duration(milliseconds(promise.endsWithin), evidence);
  const { holds } = evidence;
  if (!holds) return { state: 'unknown', facts: {} };
  return { state: holds.is ? 'kept' : 'broken', facts: { values: holds.values.join(', ').slice(0, longestValues) } };
}

type Deadline = NonNullable<DataPromise['published']>;

function scheduleOf({ by, on, zone }: Deadline): Schedule {
  const [hour = 0, minute = 0] = by.split(':').map(Number);
  return { crons: [parseCron(`${minute} ${hour} * * ${on}`)], zone };
}

/** From when on a publication counts for a deadline: a time of its day, or of the day before when it is later than `by`. */
function windowOf({ from, by, zone }: Deadline, key: string): number {
  const [hour = 0, minute = 0] = from.split(':').map(Number);
  const day = Date.parse(`${key.slice(0, 10)}T00:00:00Z`) - (from > by ? dayMs : 0);
  return firstAt(zone, day + (hour * 60 + minute) * minuteMs);
}

function deadlineStatus(
  promise: Deadline,
  { now, since, published = Number.NEGATIVE_INFINITY, runs }: Evidence,
): PromiseStatus {
  const schedule = scheduleOf(promise);
  const past = instantsBetween(schedule, Math.max(since, now - 8 * dayMs), now, 100).instants.at(-1);
  const facts = { by: promise.by };
  if (past && published < windowOf(promise, past.key))
    return { state: 'broken', due: past.due, facts: { ...facts, late: secondsOf(now - past.due) } };
  const [next] = instants(schedule, now);
  if (!next) return { state: 'unknown', facts };
  const start = windowOf(promise, next.key);
  const isOpen = now >= start && published < start;
  const usual = usualMs(runs);
  if (isOpen && usual !== undefined) {
    const running = runs.find(({ ended, state }) => ended === undefined && state !== 'cancelling');
    const left = running ? Math.max(0, usual - (now - running.started)) : usual;
    if (now + left > next.due)
      return { state: 'at-risk', due: next.due, facts: { ...facts, seconds: secondsOf(left) } };
  }
  return { state: past || published >= start ? 'kept' : 'unknown', due: next.due, facts };
}

/** How long a run takes, but for one in twenty; undefined before there was one. */
function usualMs(runs: readonly RunSummary[]): number | undefined {
  const took = runs.filter(isPublished).slice(0, recentRuns).map(tookMs);
  took.sort((a, b) => a - b);
  return took[Math.ceil(took.length * 0.95) - 1];
}

function freshness(limit: number, { now, since, published = since }: Evidence): PromiseStatus {
  const age = Math.max(0, now - published);
  const state = age > limit ? 'broken' : age > riskFrom * limit ? 'at-risk' : 'kept';
  return { state, due: published + limit, facts: { seconds: secondsOf(age), limit: secondsOf(limit) } };
}

function duration(limit: number, { now, runs }: Evidence): PromiseStatus {
  const running = runs.filter(({ ended }) => ended === undefined).at(-1);
  const last = runs.find(isJudged);
  const took = running ? now - running.started : last && tookMs(last);
  if (took === undefined) return { state: 'unknown', facts: {} };
  const state = took > limit ? 'broken' : running && took > riskFrom * limit ? 'at-risk' : 'kept';
  return {
    ...{ state, facts: { seconds: secondsOf(took), limit: secondsOf(limit) } },
    ...(running && { due: running.started + limit }),
  };
}

/** A run counts for its duration when it was neither skipped nor cancelled. */
const isJudged = ({ ended, state }: RunSummary): boolean =>
  ended !== undefined && state !== 'skipped' && state !== 'cancelled';

/** How often a promise was kept within the last 30 days, as far back as the runs tell; undefined for conditions. Pure. */
export function recordOf(promise: DataPromise, { now, since, runs }: Evidence): PromiseRecord | undefined {
  const from = Math.max(since, now - recordDays * dayMs);
  const counted = <T>(newestFirst: readonly T[], isKept: (of: T) => boolean): PromiseRecord => {
    const all = newestFirst.map(isKept);
    return { kept: all.filter(Boolean).length, of: all.length, recent: all.slice(0, mostRecent) };
  };
  const { published: deadline, fresherThan, endsWithin } = promise;
  const published = runs.filter(isPublished).map(({ ended = 0 }) => ended);
  if (deadline) {
    const due = instantsBetween(scheduleOf(deadline), from, now, 1000).instants;
    return counted(due.toReversed(), (each) => {
      const start = windowOf(deadline, each.key);
      return published.some((at) => at >= start && at <= each.due);
    });
  }
  if (endsWithin !== undefined) {
    const ended = runs.filter((run) => isJudged(run) && run.started >= from);
    return counted(ended, (run) => tookMs(run) <= milliseconds(endsWithin));
  }
  if (fresherThan === undefined) return undefined;
  const limit = milliseconds(fresherThan);
  const days = Array.from({ length: Math.ceil((now - from) / dayMs) }, (_, i) => now - i * dayMs);
  const known = [from, ...published.toReversed().filter((at) => at > from)];
  const stale = known
    .map((at, i) => ({ begin: at + limit, end: known[i + 1] ?? now }))
    .filter(({ begin, end }) => begin < end);
  return counted(days, (end) => !stale.some((each) => each.begin < end && each.end > end - dayMs));
}
