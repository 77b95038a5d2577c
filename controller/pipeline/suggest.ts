import { closest, distance } from 'fastest-levenshtein';

/** ` — did you mean "x"?` when one of the known words is near enough to be a slip of the pen, else ``. */
export function didYouMean(word: string, known: readonly string[]): string {
  if (known.length === 0) return '';
  const near = closest(word, known);
  const allowed = Math.max(1, Math.floor(Math.max(word.length, near.length) / 3));
  return distance(word, near) <= allowed ? ` — did you mean "${near}"?` : '';
}
