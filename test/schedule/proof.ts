import { existsSync, readFileSync } from 'node:fs';
import { parseCron } from '../../controller/schedule/cron.ts';
import { instants, type Schedule } from '../../controller/schedule/instants.ts';
import { transitions } from '../../controller/schedule/zone.ts';
import { clockOf, dayMs, expected, type Matcher, matcherOf, minuteMs, type Variant, walk } from './oracle.ts';

/** The instants of `controller/schedule/` against the oracle, around each transition of each zone. */

const since = Date.UTC(2007, 0, 1);
const until = Date.UTC(2038, 0, 1);

const expressions = [
  ...['30 2 * * *', '0 2 * * *', '30 1 * * *', '0 0 * * *', '59 23 * * *', '0 3 * * *', '*/15 * * * *', '0 * * * *'],
  ...[
    '0 */2 * * *',
    '30 1/2 * * *',
    '0,30 1-3 * * *',
    '5 0 * * 1-5',
    '0 3 L * *',
    '15 2 * * 0#1,0#L',
    '59 23 30,31 * *',
  ],
  ...['0 0 1 * 1', '@daily', '@hourly', '@weekly', '@monthly', '20 1,2,3 * 3,4,10,11 *', '* * * * *', '*/7 0-4 * * *'],
  ...['0 0-23 * * *', '10,40 0,1,2,3,23 * * *', '45 2 * mar,nov sun', '15 1 * * fri-mon', '0 2 LW * *', '5 2 L-3 * *'],
  ...['30 */3 * * *', '0 2 29 2 *', '0 0,12 */5 * *', '0 1 ? * sat#L', '1-59/2 2 * * 6-7', '7/20 * 1-15 * *'],
  ...['30 0 * * *', '0 23 * * sun', '0 1,2 25-31 3,10 0', '@yearly', '29 2 8-14 3 7', '30 2 * 1-6 5-1/2', '0 12 * * *'],
];
const ruled = ['30 2 * * *', '0,30 0-3 * * *', '*/20 * * * *', '0 */2 * * *', '15 1,23 * * *'];
const variants: readonly Variant[] = [
  ...expressions.map((text) => ({ text })),
  ...ruled.flatMap((text) =>
    (['after', 'skip'] as const).flatMap((gap) =>
      (['first', 'both', 'last'] as const).map((fold) => ({ text, gap, fold })),
    ),
  ),
];

interface Case {
  readonly variant: Variant;
  readonly matcher: Matcher;
  readonly schedule: Omit<Schedule, 'zone'>;
}
const cases: readonly Case[] = variants.map((variant) => {
  const { text, gap, fold } = variant;
  return { variant, matcher: matcherOf(variant), schedule: { crons: [parseCron(text)], dst: { gap, fold } } };
});

export interface Tally {
  readonly zone: string;
  readonly windows: number;
  readonly comparisons: number;
  readonly instants: number;
  readonly problems: readonly string[];
}

/** Zones with the same clocks from 2007 to 2037: the first stands for all. */
export interface Twins {
  readonly names: readonly string[];
  /** The first minutes of new offsets, in milliseconds since 1970, with the hours before and after them. */
  readonly changes: readonly { readonly at: number; readonly before: number; readonly after: number }[];
}

/** All names of zones that this Node knows: Intl's own, and the links of the system's database where there is one. */
export function zoneNames(): string[] {
  const links = '/usr/share/zoneinfo/tzdata.zi';
  const lines = existsSync(links) ? readFileSync(links, 'utf8').split('\n') : [];
  const others = lines.flatMap((line) => (line.startsWith('L ') ? [line.split(' ')[2] ?? ''] : []));
  return [...new Set(['UTC', ...Intl.supportedValuesOf('timeZone'), ...others])].filter(isZone);
}

function isZone(name: string): boolean {
  try {
    clockOf(name);
    return true;
  } catch {
    return false;
  }
}

/** The zones by their clocks, which are read every six hours. */
export function twinsOf(names: readonly string[]): Twins[] {
  const found = new Map<string, Twins>();
  for (const name of names) {
    const clock = clockOf(name);
    const changes = changesOf(clock);
    const fingerprint = JSON.stringify([clock(since) - since, changes]);
    found.set(fingerprint, { names: [...(found.get(fingerprint)?.names ?? []), name], changes });
  }
  return [...found.values()];
}

function changesOf(clock: (at: number) => number): Twins['changes'] {
  const changes: Twins['changes'][number][] = [];
  const offset = (at: number): number => (clock(at) - at) / minuteMs;
  let before = offset(since);
  for (let at = since; at < until; at += dayMs / 4) {
    const after = offset(at);
    if (after === before) continue;
    let first = at - dayMs / 4 + minuteMs;
    while (offset(first) === before) first += minuteMs;
    changes.push({ at: first, before, after });
    before = after;
  }
  return changes;
}

/** Compares all expressions around those changes of a zone that `isChosen` takes, and the transitions themselves. */
export function check({ names, changes }: Twins, isChosen: (change: number) => boolean = () => true): Tally {
  const zone = names[0] ?? '';
  const problems: string[] = [];
  const mine = transitions(zone, since, 1000, until);
  if (JSON.stringify(mine) !== JSON.stringify(changes)) problems.push(`${zone}: other transitions`);
  const around =
    changes.length === 0 ? [Date.UTC(2026, 0, 1)] : changes.map(({ at }) => at).filter((_, i) => isChosen(i));
  let count = 0;
  for (const at of around) {
    const from = at - 1.25 * dayMs - 7 * minuteMs;
    const seen = walk(zone, from - dayMs, at + 2.5 * dayMs);
    // The last day of the walk is not compared: what comes again after the walk is not known.
    const end = at + 1.5 * dayMs;
    for (const { variant, matcher, schedule } of cases) {
      const theirs = expected(matcher, seen, from).filter((line) => Number(line.split(' ')[1]) <= end);
      const ours = linesOf({ ...schedule, zone }, from, end);
      count += ours.length;
      const different = Array.from({ length: Math.max(ours.length, theirs.length) }, (_, i) => i).find(
        (i) => ours[i] !== theirs[i],
      );
      if (different !== undefined)
        problems.push(`${zone} ${JSON.stringify(variant)}: "${ours[different]}", the oracle: "${theirs[different]}"`);
      if (new Set(ours.map((line) => line.split(' ')[0])).size < ours.length)
        problems.push(`${zone} ${JSON.stringify(variant)}: a key occurs twice`);
    }
  }
  return { zone, windows: around.length, comparisons: around.length * cases.length, instants: count, problems };
}

function linesOf(schedule: Schedule, from: number, end: number): string[] {
  const lines: string[] = [];
  for (const { key, due, dropped } of instants(schedule, from)) {
    if (due > end) break;
    lines.push(`${key} ${due}${dropped ? ` ${dropped.outcome}` : ''}`);
  }
  return lines;
}

/** `570 zones as 250 different ones, …`: what was compared, and how much of it differs. */
export function summary(twins: readonly Twins[], tallies: readonly Tally[]): string {
  const sum = (of: (tally: Tally) => number): string =>
    tallies.reduce((all, tally) => all + of(tally), 0).toLocaleString('en');
  const zones = twins.reduce((all, { names }) => all + names.length, 0);
  return [
    `${zones} zones, ${twins.length} of them different: ${sum((t) => t.windows)} windows`,
    `${cases.length} schedules`,
    `${sum((t) => t.comparisons)} comparisons with ${sum((t) => t.instants)} instants`,
    `${sum((t) => t.problems.length)} differences`,
  ].join(', ');
}
