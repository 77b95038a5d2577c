import type { RunSummary } from '../../../controller/domain/ports/store.ts';
import type { FiringRecord } from '../../../controller/domain/ports/triggers.ts';
import { lengthOf, type Nominal, nominals } from './enumeration.ts';
import type { Track } from './track.ts';
import { day, hour, minute } from './units.ts';
import type { TriggerWorld } from './world.ts';

/** The promises; each must have zero violations. */
export const promises = [
  'instants without an outcome',
  'instants with two outcomes',
  'firings that no schedule has',
  'firings without their one run, or runs without their one firing',
  'starts of what was due before the trigger was armed',
  'starts later than within, or earlier than due',
  'runs started in a pause',
  'instants of a pause that started',
  'joined runs that had begun to measure',
  'instants passed over while servers ran',
  'errors that nobody foresaw',
] as const;
export type Promised = (typeof promises)[number];
export type Broken = { readonly promise: Promised; readonly what: string };

/** Between a look and its commit: slow calls, and the wait after a clock was set. Milliseconds. */
const slackMs = 2 * minute;
const on = (at: number): string => new Date(at).toISOString();

interface Case {
  readonly world: TriggerWorld;
  readonly track: Track;
  /** Of the trigger, by their names. */
  readonly runs: ReadonlyMap<string, RunSummary>;
  /** Runs that people started. */
  readonly byHand: ReadonlySet<string>;
  readonly say: (promise: Promised, what: string) => void;
}

/** Inspects a world from outside: its ledger, its runs, and what schedules say by another count. */
export async function judge(world: TriggerWorld): Promise<Broken[]> {
  const broken: Broken[] = [...(world.broken as Broken[])];
  const all = await world.store.list({ limit: 1_000_000 });
  for (const track of world.tracks) {
    const { pipeline } = track.name;
    const runs = new Map(all.filter((run) => run.pipeline === pipeline).map((run) => [run.run, run]));
    const byHand = new Set<string>();
    const say = (promise: Promised, what: string): void => void broken.push({ promise, what: `${pipeline}: ${what}` });
    const rows = await world.store.firings({ ...track.name, limit: 1_000_000 });
    await judgeRuns({ world, track, runs, byHand, say }, rows, byHand);
    for (const row of rows) judgeRow({ world, track, runs, byHand, say }, row);
    for (const [i] of track.generations.entries())
      judgeInstants(
        { world, track, runs, byHand, say },
        i + 1,
        rows.filter((row) => row.generation === i + 1),
      );
  }
  return broken;
}

function byRun(rows: readonly FiringRecord[]): Map<string | undefined, FiringRecord[]> {
  const found = new Map<string | undefined, FiringRecord[]>();
  for (const row of rows) found.set(row.run, [...(found.get(row.run) ?? []), row]);
  return found;
}

/** Every run has the one row that started it, and every such row its run; joined ones are told in time. */
async function judgeRuns(
  { world, runs, say }: Case,
  rows: readonly FiringRecord[],
  byHand: Set<string>,
): Promise<void> {
  const started = rows.filter(({ outcome }) => outcome === 'started');
  const joined = byRun(rows.filter(({ outcome }) => outcome === 'joined'));
  const problem = 'firings without their one run, or runs without their one firing';
  const startedBy = byRun(started);
  for (const [run, those] of startedBy)
    if (run === undefined || those.length > 1 || !runs.has(run)) say(problem, those.map(({ key }) => key).join(', '));
  for (const run of runs.keys()) {
    const history = (await world.store.history(run)).map(({ event }) => event);
    const [begin] = history;
    if (begin?.type !== 'run-started' || begin.cause?.key !== startedBy.get(run)?.[0]?.key) say(problem, run);
    if (begin?.type === 'run-started' && begin.cause?.by !== undefined) byHand.add(run);
    const measuring = history.findIndex(({ type }) => type === 'measuring');
    const told = history.flatMap((event, i) =>
      event.type === 'triggered' && (measuring < 0 || i < measuring) ? [event.cause.key] : [],
    );
    for (const { key } of joined.get(run) ?? [])
      if (!told.includes(key)) say('joined runs that had begun to measure', `${key} in ${run}`);
    joined.delete(run);
  }
  for (const those of joined.values()) say(problem, those.map(({ key }) => key).join(', '));
  for (const { outcome, count } of rows) world.count(outcome, count);
}

function judgeRow({ world, track, byHand, say }: Case, row: FiringRecord): void {
  const { key, due, noted, outcome, generation, run = '' } = row;
  if (outcome !== 'started' || byHand.has(run)) return;
  const { armed = 0 } = track.generations[generation - 1] ?? {};
  if (due <= armed) say('starts of what was due before the trigger was armed', `${key}, armed ${on(armed)}`);
  const within = Math.max(...track.versions.map(({ fields }) => lengthOf(fields.within)));
  const wasSet = world.steps.some(({ from }) => Math.abs(from - (noted - world.begin)) < 6 * hour);
  const allowed = slackMs + (wasSet ? 5 * hour : 0);
  const jitter = Math.max(...track.versions.map(({ fields }) => lengthOf(fields.jitter ?? '0m')));
  if (noted - due > within + allowed + jitter || due - noted > (wasSet ? 5 * hour : 0))
    say('starts later than within, or earlier than due', `${key} at ${on(noted)}`);
  if (track.wasPaused(due) && !wasSet && jitter === 0) say('instants of a pause that started', key);
}

/** Every instant has one outcome, as long as its definition was the one of the ledger. */
function judgeInstants(of: Case, generation: number, rows: readonly FiringRecord[]): void {
  const { world, track, byHand, say } = of;
  const { armed = 0, ended = 0 } = track.generations[generation - 1] ?? {};
  const end = Math.min(ended, world.clock());
  const lists: Nominal[][] = [];
  const required = new Map<string, Nominal>();
  const adoptions = track.adoptions.filter((each) => each.generation === generation);
  for (const [i, { definition, from }] of adoptions.entries()) {
    const fields = track.versions.find((version) => version.definition === definition)?.fields;
    if (!fields) {
      say('errors that nobody foresaw', `the ledger follows ${definition}`);
      continue;
    }
    const until = adoptions[i + 1]?.from ?? end;
    const jitter = fields.jitter === undefined ? 0 : lengthOf(fields.jitter);
    const list = nominals(fields, armed, from - 3 * hour, until + 3 * hour);
    lists.push(list);
    for (const nominal of list) {
      const isLast = i === adoptions.length - 1;
      if (nominal.at > from && nominal.at + jitter <= until - (isLast ? slackMs : 0))
        required.set(nominal.key, nominal);
    }
  }
  world.count('instants', required.size);
  const covered = new Map<string, FiringRecord[]>();
  const hands = new Set<string>();
  for (const row of rows) {
    const isByHand = row.run !== undefined && byHand.has(row.run);
    if (isByHand) hands.add(row.key);
    else for (const key of keysOf(row, lists, say)) covered.set(key, [...(covered.get(key) ?? []), row]);
  }
  for (const [key, those] of covered)
    if (those.length > 1)
      say('instants with two outcomes', `${key}: ${those.map((row) => `${row.outcome} as ${row.key}`).join(', ')}`);
  for (const nominal of required.values()) {
    const row = covered.get(nominal.key)?.[0];
    if (!row && !hands.has(nominal.key)) say('instants without an outcome', `${nominal.key}, due ${on(nominal.at)}`);
    else if (row) judgeCalm(of, nominal, row);
  }
}

/** The keys for which a row stands: so many instants of a definition from its first key to its last. */
function keysOf({ key, count }: FiringRecord, lists: readonly (readonly Nominal[])[], say: Case['say']): string[] {
  const [first = '', last = first] = key.split(' .. ');
  let isKnown = false;
  for (const list of lists) {
    const from = list.findIndex((each) => each.key === first);
    const to = list.findIndex((each) => each.key === last);
    if (from < 0 || to < 0) continue;
    isKnown = true;
    if (to - from + 1 === count) return list.slice(from, to + 1).map((each) => each.key);
  }
  if (isKnown) say('instants without an outcome', `${key} is said to stand for ${count}`);
  else say('firings that no schedule has', key);
  return [];
}

/** When nothing is in the way, an instant starts or joins a run, and on time. */
function judgeCalm({ world, track, say }: Case, { key, at, starts }: Nominal, row: FiringRecord): void {
  const due = world.trueTime(row.due);
  const jitter = Math.max(...track.versions.map(({ fields }) => lengthOf(fields.jitter ?? '0m')));
  const isCalm =
    !Number.isNaN(due) &&
    world.disturbances.every(({ from, until }) => due + jitter < from || due > until) &&
    track.versions.every(({ fields }) => fields.missed !== 'all') &&
    !track.wasPaused(row.due) &&
    due > day / 24 &&
    due < world.lengthMs;
  if (!isCalm || starts === 'maybe') return;
  world.count('instants without a disturbance');
  const isRun = row.outcome === 'started' || row.outcome === 'joined';
  const isLate = row.noted - row.due > minute + jitter;
  if (isRun !== (starts === 'yes') || (isRun && isLate))
    say(
      'instants passed over while servers ran',
      `${key}, due ${on(at)}: ${row.outcome} at ${on(row.noted)}: ${row.reason}`,
    );
}
