import { closest, distance } from 'fastest-levenshtein';

const longestWord = 64;

/** ` — did you mean "x"?` when one of the known words is near enough to be a slip of the pen, else ``. */
export function didYouMean(word: string, known: readonly string[]): string {
  const allowedFor = (other: string): number => {
    const length = Math.max(word.length, other.length);
    return length <= 3 ? 1 : Math.max(2, Math.floor(length / 3));
  };
  // A slip of the pen is in a word, and changes its length by little.
  const alike = known.filter((other) => Math.abs(other.length - word.length) <= allowedFor(other));
  if (alike.length === 0 || word.length > longestWord) return '';
  const near = closest(word, alike);
  const allowed = allowedFor(near);
  return distance(word, near) <= allowed ? ` — did you mean "${near}"?` : '';
}
