/** A value for people, with two digits after the point when `cents` says that its neighbours have them: whole numbers grouped by spaces that do not break, others with two digits, dates without their time when it is midnight. */
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
