import { milliseconds } from '../../lib/duration.ts';
import { duration } from '../../pipeline/schema.ts';

/** How often a source is looked at. */
export const poll = (every: string) =>
  duration
    .refine((text) => milliseconds(text) >= 1000, 'must be at least 1s')
    .default(every)
    .describe('How often it is looked at');

/** Whether what is new is enough. `since` is when the first of it was seen. Milliseconds since 1970. */
export const isEnough = (
  count: number,
  { least, within }: { readonly least: number; readonly within: string | undefined },
  since: number,
  now: number,
): boolean => count >= least || (count > 0 && within !== undefined && now - since >= milliseconds(within));
