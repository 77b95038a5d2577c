import type { FailureKind } from '../domain/failure-kinds.ts';
import type { Pipeline, Retry, Step } from '../domain/pipeline.ts';
import { milliseconds } from '../lib/duration.ts';
import { retrySchema } from './schema.ts';

const defaultRetry: Retry = retrySchema.parse({});

/** The retry policy of a step, or the default. */
export const retryOf = (step: Step): Retry => step.retry ?? defaultRetry;

/** How long a run waits for unavailable sources: the longest gateway timeout of its steps. Milliseconds. */
export function longestGatewayTimeoutMs({ steps }: Pipeline): number {
  const retries = Object.values(steps).flatMap(({ retry }) => retry ?? []);
  return Math.max(...(retries.length > 0 ? retries : [defaultRetry]).map(({ patience }) => milliseconds(patience)));
}

/**
 * The retry policy for one kind of failure. `budget` is the number of attempts that may end with it; undefined when the
 * step sets none.
 */
export function retryOn(policy: Retry, kind: FailureKind): Retry & { readonly budget: number | undefined } {
  const own = policy.on[kind];
  const override = typeof own === 'number' ? { maximumAttempts: own } : (own ?? {});
  return {
    ...policy,
    initialInterval: override.initialInterval ?? policy.initialInterval,
    backoffCoefficient: override.backoffCoefficient ?? policy.backoffCoefficient,
    maximumInterval: override.maximumInterval ?? policy.maximumInterval,
    budget: override.maximumAttempts,
  };
}

/** The time limit of one attempt. Milliseconds. */
export const timeoutOf = (step: Step): number => milliseconds(step.timeout ?? '1h');
