import { createHash } from 'node:crypto';
import type { Retry } from '../domain/pipeline.ts';
import { milliseconds } from '../lib/duration.ts';

/** The share of a delay that jitter may add or subtract, so that steps which failed together do not retry together. */
const jitterShare = 0.2;

/**
 * Milliseconds before attempt `next` (2 is the first retry): exponential from initialInterval, capped at
 * maximumInterval, plus or minus jitterShare. `fraction` in [0, 1) selects the jitter.
 */
export function retryDelay(
  policy: Pick<Retry, 'initialInterval' | 'backoffCoefficient' | 'maximumInterval'>,
  next: number,
  fraction: number,
): number {
  const cap = milliseconds(policy.maximumInterval);
  const grown = milliseconds(policy.initialInterval) * policy.backoffCoefficient ** (next - 2);
  return Math.round(Math.min(cap, grown) * (1 - jitterShare + 2 * jitterShare * fraction));
}

/** A number in [0, 1) that depends only on the key, so that a replayed history repeats the jitter. */
export const fractionOf = (key: string): number => createHash('sha256').update(key).digest().readUInt32BE(0) / 2 ** 32;
