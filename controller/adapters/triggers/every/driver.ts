import { z } from 'zod';
import { milliseconds } from '../../../lib/duration.ts';
import { duration } from '../../../pipeline/schema.ts';
import type { TriggerDriver } from '../../drivers.ts';
import { intervalInstants } from '../instants.ts';
import { type TimedCursor, timed, timedPoll } from '../timed.ts';

const leastMs = 60_000;
const spec = z.strictObject({
  every: duration
    .refine((text) => milliseconds(text) >= leastMs, 'must be at least 1m')
    .describe('An interval such as 15m, counted from `from`, or from when `sluice serve` first saw the trigger'),
  from: z.iso.datetime({ offset: true }).optional().describe('Where intervals are counted from: 2026-11-01T00:00:00Z'),
  ...timed,
});
type Every = z.output<typeof spec>;

/** The cursor of earlier versions, which run beside this one while servers are replaced. They know no `from`. */
interface FormerCursor {
  readonly every: unknown;
  readonly passed: number;
}

/** Fires at even intervals. Long runs and restarts shift nothing. */
export const everyTrigger: TriggerDriver = {
  kind: 'every',
  spec,
  async poll(trigger, known) {
    const { every, from, missed, within } = trigger as unknown as Every;
    const { armed } = known;
    const definition = { every, from };
    const stored = known.cursor as TimedCursor | FormerCursor | undefined;
    const cursor =
      stored && 'passed' in stored
        ? { definition: { every: stored.every }, horizon: armed + stored.passed * milliseconds(String(stored.every)) }
        : stored;
    const instants = (after: number) => intervalInstants(trigger as unknown as Every, after, armed);
    const due = timedPoll({ missed, within, definition, instants }, cursor, known);
    const passed = Math.floor(((due.cursor as TimedCursor).horizon - armed) / milliseconds(every));
    return { ...due, former: { every, passed } satisfies FormerCursor };
  },
  instants: (trigger, after, armed) => intervalInstants(trigger as unknown as Every, after, armed),
  describe: ({ every, from }) => `every ${every}${from === undefined ? '' : `, counted from ${from}`}`,
};
