/**
 * A value for people: whole numbers grouped by non-breaking spaces, others with two digits, dates without a midnight
 * time. `cents` gives whole numbers two digits as well, to match the rest of their column.
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
