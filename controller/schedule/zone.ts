import { rejected } from '../lib/errors.ts';
import { didYouMean } from '../lib/suggest.ts';
import { quoted } from './fields.ts';
import { dayMs, toWall } from './wall.ts';

/** A change of a zone's offset from UTC. Offsets are minutes east of UTC. */
export interface Transition {
  /** The first moment of the new offset, in milliseconds since 1970. */
  readonly at: number;
  readonly before: number;
  readonly after: number;
}

/** A time of constant offset, at most one UTC day. */
export interface Stretch {
  /** Milliseconds since 1970; `end` is not included. */
  readonly start: number;
  readonly end: number;
  /** Minutes east of UTC. */
  readonly offset: number;
  /** The transition at `start`. */
  readonly entered?: Transition;
  /** Wall times of this stretch before this one occur for the second time. */
  readonly repeatedUntil: number;
  /** Wall times of this stretch from this one on occur once more. */
  readonly repeatedFrom: number;
}

/** What is known of one UTC day: the offset at its start, and how it changes before the next day. */
interface ZoneDay {
  readonly offset: number;
  readonly transitions: readonly Transition[];
}

interface Zone {
  readonly format: Intl.DateTimeFormat;
  /** By days since 1970. */
  readonly days: Map<number, ZoneDay>;
  readonly stretches: Map<number, readonly Stretch[]>;
}

const zones = new Map<string, Zone>();
/** Days cached for a zone: about eleven years. */
const mostDays = 4000;
/** `transitions` looks so far ahead: a hundred years. */
const farMs = 36_525 * dayMs;

/**
 * The name of an IANA zone in its usual spelling. Another name of the same zone stays as it is, unless it is written in
 * the wrong case: `Europe/Kyiv` stays, `us/eastern` becomes `America/New_York`. Throws a rejected error for any other
 * text, also for offsets such as `+03:00`.
 */
export function checkZone(name: string): string {
  const checked = checkedZones.get(name) ?? readZone(name);
  checkedZones.set(name, checked);
  return checked;
}

/** A trigger checks its zone whenever it is polled. */
const checkedZones = new Map<string, string>();

function readZone(name: string): string {
  const known = ['UTC', ...Intl.supportedValuesOf('timeZone')];
  const spelled = known.find((each) => each.toLowerCase() === name.toLowerCase());
  if (spelled !== undefined) return spelled;
  const canonical = /^[a-z]/i.test(name) && name.length < 64 ? canonicalName(name) : undefined;
  if (canonical !== undefined) return /^(US|[A-Z][a-z]+|[A-Z]\w*$)([/_+-][A-Z\d]\w*)*$/.test(name) ? name : canonical;
  const city = known.find((each) => each.toLowerCase().endsWith(`/${name.toLowerCase()}`));
  const near = city === undefined ? didYouMean(name, known) : ` — did you mean "${city}"?`;
  throw rejected(
    `${quoted(name)} is not a time zone${near}`,
    'use a name of the IANA database, such as Europe/Moscow or UTC',
  );
}

/**
 * The next `count` transitions of a zone after a time and not after `limit`, both in milliseconds since 1970. It looks at
 * most a hundred years ahead.
 */
export function transitions(zone: string, after: number, count: number, limit: number): Transition[] {
  const found: Transition[] = [];
  const last = Math.min(limit, after + farMs);
  for (let day = Math.floor(after / dayMs); day * dayMs <= last && found.length < count; day += 1)
    found.push(...zoneDay(zone, day).transitions.filter(({ at }) => at > after && at <= last));
  return found.slice(0, count);
}

/** The stretches of a UTC day, which is counted since 1970. */
export function stretchesOf(zone: string, day: number): readonly Stretch[] {
  const { stretches } = zoneOf(zone);
  const known = stretches.get(day) ?? newStretches(zone, day);
  if (stretches.size >= mostDays) stretches.clear();
  stretches.set(day, known);
  return known;
}

function newStretches(zone: string, day: number): Stretch[] {
  const near = [day - 1, day, day + 1].map((each) => zoneDay(zone, each));
  const { offset, transitions: cuts } = near[1] as ZoneDay;
  const around = near.flatMap((each) => each.transitions);
  return [undefined, ...cuts].flatMap((cut, i) => {
    const start = cut?.at ?? day * dayMs;
    const end = cuts[i]?.at ?? (day + 1) * dayMs;
    if (end <= start) return [];
    const shown = around.filter(({ at }) => at <= start).map(({ at, before }) => toWall(at, before));
    const shownAgain = around.filter(({ at }) => at >= end).map(({ at, after }) => toWall(at, after));
    const entered = around.find(({ at }) => at === start);
    return {
      start,
      end,
      offset: cut?.after ?? offset,
      ...(entered && { entered }),
      repeatedUntil: Math.max(...shown),
      repeatedFrom: Math.min(...shownAgain),
    };
  });
}

/** The first moment at which a zone's clocks show this wall time or a later one, in milliseconds since 1970. */
export function firstAt(zone: string, wall: number): number {
  const day = Math.floor(wall / dayMs);
  const stretches = [day - 1, day, day + 1].flatMap((each) => stretchesOf(zone, each));
  const found = stretches.find(({ end, offset }) => toWall(end, offset) > wall) as Stretch;
  return Math.max(found.start, toWall(wall, -found.offset));
}

function zoneDay(name: string, day: number): ZoneDay {
  const zone = zoneOf(name);
  const known = zone.days.get(day);
  if (known) return known;
  if (zone.days.size >= mostDays) zone.days.clear();
  const start = day * dayMs;
  const before = zone.days.get(day - 1);
  const offset = before ? (before.transitions.at(-1)?.after ?? before.offset) : offsetAt(zone, start);
  const found = { offset, transitions: between(zone, start, start + dayMs, offset) };
  zone.days.set(day, found);
  return found;
}

/** The transitions after `from` and up to `until`, found by halving; `before` is the offset at `from`. */
function between(zone: Zone, from: number, until: number, before: number): Transition[] {
  const last = offsetAt(zone, until);
  if (last === before) return [];
  let [low, high] = [from, until];
  while (high - low > 1000) {
    const middle = low + Math.floor((high - low) / 2000) * 1000;
    if (offsetAt(zone, middle) === before) low = middle;
    else high = middle;
  }
  const after = offsetAt(zone, high);
  return [{ at: high, before, after }, ...between(zone, high, until, after)];
}

/** The offset in minutes at a time, from a text such as `1/5/2026, GMT-03:30`. */
function offsetAt({ format }: Zone, at: number): number {
  const [, sign, hours = 0, minutes = 0, seconds = 0] =
    /GMT(?:([+-])(\d\d):(\d\d)(?::(\d\d))?)?$/.exec(format.format(at)) ?? [];
  return (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes) + Number(seconds) / 60);
}

function zoneOf(name: string): Zone {
  const known = zones.get(name);
  if (known) return known;
  const format = new Intl.DateTimeFormat('en-US', { timeZone: name, timeZoneName: 'longOffset' });
  const zone: Zone = { format, days: new Map(), stretches: new Map() };
  zones.set(name, zone);
  return zone;
}

function canonicalName(name: string): string | undefined {
  try {
    return new Intl.DateTimeFormat('en-US', { timeZone: name }).resolvedOptions().timeZone;
  } catch {
    return undefined;
  }
}
