import { rejected, type SluiceError } from '../lib/errors.ts';
import { visible } from '../lib/text.ts';

/** The five fields of a cron expression, and the numbers that a part of one stands for. */

export interface Field {
  readonly name: string;
  readonly min: number;
  readonly max: number;
  /** The full names of the values from `min` on. Three letters of one are enough. */
  readonly names?: readonly string[];
  /** A range may pass the end, as `fri-mon` does; `max` and `min` are the same value. */
  readonly wraps?: boolean;
}

export const weekdayNames = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'] as const;
export const monthNames = [
  ...(['January', 'February', 'March', 'April', 'May', 'June', 'July'] as const),
  ...(['August', 'September', 'October', 'November', 'December'] as const),
] as const;

export const fields = {
  minute: { name: 'minute', min: 0, max: 59 },
  hour: { name: 'hour', min: 0, max: 23 },
  day: { name: 'day of the month', min: 1, max: 31 },
  month: { name: 'month', min: 1, max: 12, names: monthNames },
  weekday: { name: 'weekday', min: 0, max: 7, names: weekdayNames, wraps: true },
} as const satisfies Record<string, Field>;

/** At most 40 characters of a user's text, in quotes. */
export const quoted = (text: string): string => `"${visible(text.length > 40 ? `${text.slice(0, 39)}…` : text)}"`;

/** The error for a part of a field. `why` goes on after the field's name. */
export const invalidPart = (field: Field, part: string, why: string, hint?: string): SluiceError =>
  rejected(`${quoted(part)} in the field ${field.name} ${why}`, hint);

/** The parts of a list such as `1,5-7`. */
export function partsOf(field: Field, text: string): string[] {
  const parts = text.split(',');
  if (parts.includes('')) throw invalidPart(field, text, 'has an empty part', 'a comma stands between two values');
  return parts;
}

/** `*`, `?` or a step of 1 over all values: the field leaves nothing out. */
export const isAny = (part: string): boolean => /^[*?](\/0*1)?$/.test(part);

/** A number or a name; `part` is what an error quotes. */
export function readValue(field: Field, text: string, part = text): number {
  const named = text.length < 3 ? -1 : (field.names ?? []).findIndex((name) => startsWith(name, text));
  const value = named >= 0 ? named + field.min : /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= field.min && value <= field.max) return value;
  throw invalidPart(field, text === '' ? part : text, `is not from ${field.min} to ${field.max}${orNames(field)}`);
}

/** The values of one part: `5`, `mon`, `1-5`, `*`, `1-5/2` or `5/15`, which is `5-59/15`. */
export function readValues(field: Field, part: string): number[] {
  const [range = '', step, ...more] = part.split('/');
  const [first = '', last, ...rest] = range.split('-');
  if (more.length + rest.length > 0) throw invalidPart(field, part, 'has one / or - too many');
  // In the weekday field, 0 and 7 are both Sunday: `*` counts from 0 to 6.
  const end = field.wraps ? field.max - 1 : field.max;
  const all = first === '*' || first === '?';
  if (all && last !== undefined) throw invalidPart(field, part, `is a range that begins with ${first}`);
  const from = all ? field.min : readValue(field, first, part);
  const until =
    last !== undefined ? readValue(field, last, part) : all || step !== undefined ? Math.max(end, from) : from;
  if (from > until && !field.wraps) {
    const hint = `write ${from}-${field.max},${field.min}-${until}`;
    throw invalidPart(field, part, 'is a range that goes backwards', step === undefined ? hint : undefined);
  }
  const by = stepOf(field, part, step);
  const length = from > until ? until + field.max - from : until - from;
  return Array.from({ length: Math.floor(length / by) + 1 }, (_, i) => normal(field, from + i * by));
}

/** Values in order, each once. */
export const ordered = (values: readonly number[]): number[] => [...new Set(values)].sort((a, b) => a - b);

const normal = (field: Field, value: number): number => (field.wraps ? value % field.max : value);
const startsWith = (name: string, text: string): boolean => name.toLowerCase().startsWith(text.toLowerCase());
const short = (name: string | undefined): string => (name ?? '').slice(0, 3).toLowerCase();
const orNames = ({ names }: Field): string => (names ? ` or ${short(names[0])} to ${short(names.at(-1))}` : '');

function stepOf(field: Field, part: string, step: string | undefined): number {
  const by = step === undefined ? 1 : /^\d{1,9}$/.test(step) ? Number(step) : Number.NaN;
  if (by >= 1 && by <= field.max) return by;
  throw invalidPart(field, part, `has a step that is not from 1 to ${field.max}`);
}
