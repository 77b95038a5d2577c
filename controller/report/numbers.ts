/**
 * A value for people: whole numbers grouped by spaces that do not break, others with two digits, dates without a time that is
 * midnight. `cents` requires two digits of a whole number too, as its neighbours have them.
 */
export function shownValue(value: unknown, cents = false): string {
  if (value === null || value === undefined) return '—';
  if (typeof value === 'number') {
    const digits = Number.isInteger(value) && !cents ? 0 : 2;
    return value
      .toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits })
      .replaceAll(',', '\u00a0');
  }
  return String(value).replace(/T00:00:00(\.000)?Z$/, '');
}
