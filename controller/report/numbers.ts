/** A value for people: whole numbers grouped by spaces that do not break, others with two digits, dates without their time when it is midnight. */
export function shownValue(value: unknown): string {
  if (value === null || value === undefined) return '—';
  if (typeof value === 'number') {
    const digits = Number.isInteger(value) ? 0 : 2;
    return value
      .toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits })
      .replaceAll(',', '\u00a0');
  }
  return String(value).replace(/T00:00:00(\.000)?Z$/, '');
}
