import { createHash } from 'node:crypto';

/** A delay from 0 to `maxMs` milliseconds that depends only on the texts: each server computes the same. */
export function jitterMs(maxMs: number, ...texts: readonly string[]): number {
  const hash = createHash('sha256').update(JSON.stringify(texts)).digest();
  return hash.readUIntBE(0, 6) % (Math.floor(maxMs) + 1);
}
