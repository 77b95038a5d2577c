/** Values nested deeper than this are no value of a trigger: stores and JSON.stringify have limits of their own. */
const deepest = 100;

/** Whether a value of JSON is nested too deeply to be stored. */
export function isTooDeep(value: unknown): boolean {
  let level: unknown[] = [value];
  for (let depth = 0; depth <= deepest; depth++) {
    level = level.flatMap((each) => (each !== null && typeof each === 'object' ? Object.values(each) : []));
    if (level.length === 0) return false;
  }
  return true;
}

/** Whether every store takes a text: PostgreSQL takes neither NUL nor half of a surrogate pair. */
export const isStorable = (text: string): boolean => !/[\0\p{Cs}]/u.test(text);

const stored = (text: string): string => (isStorable(text) ? text : text.replace(/[\0\p{Cs}]/gu, '\ufffd'));

/** A value of JSON as every store takes it. */
export function storable(value: unknown): unknown {
  if (typeof value === 'string') return stored(value);
  if (Array.isArray(value)) return value.map(storable);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [stored(name), storable(each)]));
}
