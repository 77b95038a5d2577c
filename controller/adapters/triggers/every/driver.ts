import { z } from 'zod';
import { milliseconds } from '../../../lib/duration.ts';
import { duration } from '../../../pipeline/schema.ts';
import type { TriggerDriver } from '../../drivers.ts';

const leastMs = 60_000;

/** How many intervals of which length are accounted for. */
interface Cursor {
  readonly every: unknown;
  readonly passed: number;
}

/**
 * At even intervals, counted from when the trigger became known: a run that takes long, or a restart, moves none. Of the
 * intervals that passed while no controller was there, the last one fires.
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
    // Of another length, intervals are counted from now on.
    if (was !== every) return { firings: [], cursor: { every, passed } };
    if (passed <= before) return { firings: [], cursor };
    const due = armed + passed * length;
    return { firings: [{ key: new Date(due).toISOString(), due }], cursor: { every, passed } };
  },
  describe: ({ every }) => `every ${every}`,
};
