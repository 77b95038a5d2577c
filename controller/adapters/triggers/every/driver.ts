import { z } from 'zod';
import { milliseconds } from '../../../lib/duration.ts';
import { duration } from '../../../pipeline/schema.ts';
import type { TriggerDriver } from '../../drivers.ts';

const leastMs = 60_000;

/** The interval, and how many of it are accounted for. */
interface Cursor {
  readonly every: unknown;
  readonly passed: number;
}

/**
 * Fires at even intervals from the time at which the store first saw the trigger. Long runs and restarts shift nothing.
 * Of the intervals that passed while no controller ran, only the last one fires.
 */
export const everyTrigger: TriggerDriver = {
  kind: 'every',
  spec: z.strictObject({
    every: duration
      .refine((text) => milliseconds(text) >= leastMs, 'must be at least 1m')
      .describe('An interval such as 15m, counted from when `sluice serve` first saw the trigger'),
  }),
  async poll({ every }, { armed, now, cursor }) {
    const length = milliseconds(String(every));
    const passed = Math.floor((now - armed) / length);
    const { every: was, passed: before } = (cursor ?? { every, passed: 0 }) as Cursor;
    // After a change of the interval, counting starts again.
    if (was !== every) return { firings: [], cursor: { every, passed } };
    if (passed <= before) return { firings: [], cursor };
    const due = armed + passed * length;
    return { firings: [{ key: new Date(due).toISOString(), due }], cursor: { every, passed } };
  },
  describe: ({ every }) => `every ${every}`,
};
