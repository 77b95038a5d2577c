/** A stream of numbers in [0, 1) that is the same for the same seed (mulberry32, by Tommy Ettinger, public domain). */
export type Random = () => number;

export function randomOf(seed: number, stream: string): Random {
  let state = seed >>> 0;
  for (const c of stream) state = Math.imul(state ^ c.charCodeAt(0), 0x9e37_79b1) >>> 0;
  return () => {
    state = (state + 0x6d2b_79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

export const pick = <T>(random: Random, items: readonly T[]): T => items[Math.floor(random() * items.length)] as T;

/** A random item, with a probability proportional to its weight. */
export function pickWeighted<T>(random: Random, items: readonly (readonly [T, number])[]): T {
  const total = items.reduce((sum, [, weight]) => sum + weight, 0);
  let at = random() * total;
  for (const [item, weight] of items) {
    at -= weight;
    if (at < 0) return item;
  }
  return (items.at(-1) as readonly [T, number])[0];
}
