import { closest, distance } from 'fastest-levenshtein';

const longestWord = 64;

/** ` — did you mean "x"?` when a known word is close enough to be a typo, else ``. */
export function didYouMean(word: string, known: readonly string[]): string {
  const allowedFor = (other: string): number => {
    const length = Math.max(word.length, other.length);
    return length <= 3 ? 1 : Math.max(2, Math.floor(length / 3));
  };
  // A typo changes the length of a word only a little.
  const alike = known.filter((other) => Math.abs(other.length - word.length) <= allowedFor(other));
  if (alike.length === 0 || word.length > longestWord) return '';
  const near = closest(word, alike);
  const allowed = allowedFor(near);
  return distance(word, near) <= allowed ? ` — did you mean "${near}"?` : '';
}
