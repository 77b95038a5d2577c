import { closest, distance } from 'fastest-levenshtein';

/** ` — did you mean "x"?` when one of the known words is near enough to be a slip of the pen, else ``. */
export function didYouMean(word: string, known: readonly string[]): string {
  if (known.length === 0) return '';
  const near = closest(word, known);
  const length = Math.max(word.length, near.length);
  const allowed = length <= 3 ? 1 : Math.max(2, Math.floor(length / 3));
  return distance(word, near) <= allowed ? ` — did you mean "${near}"?` : '';
}
