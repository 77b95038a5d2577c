import type { FailureKind } from '../domain/failure-kinds.ts';
import type { Pipeline, Retry, Step } from '../domain/pipeline.ts';
import { milliseconds } from '../lib/duration.ts';
import { retrySchema } from './schema.ts';

const defaultRetry: Retry = retrySchema.parse({});

/** What `retry` of a step says, or means when it says nothing. */
export const retryOf = (step: Step): Retry => step.retry ?? defaultRetry;

/** How long a run waits for sources that do not answer, in milliseconds: as long as its most patient step for a gateway. */
export function longestGatewayTimeoutMs({ steps }: Pipeline): number {
  const retries = Object.values(steps).flatMap(({ retry }) => retry ?? []);
  return Math.max(...(retries.length > 0 ? retries : [defaultRetry]).map(({ patience }) => milliseconds(patience)));
}

/** How often an attempt may end with one kind of failure, when the step says so, and the pauses after it. */
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

/** How long one attempt may take, in milliseconds. */
export const timeoutOf = (step: Step): number => milliseconds(step.timeout ?? '1h');
