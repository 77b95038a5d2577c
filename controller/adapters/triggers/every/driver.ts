import { z } from 'zod';
import { milliseconds } from '../../../lib/duration.ts';
import { duration } from '../../../pipeline/schema.ts';
import type { Instant, TriggerDriver } from '../../drivers.ts';
import { type TimedCursor, timed, timedPoll } from '../timed.ts';

const leastMs = 60_000;
const spec = z.strictObject({
  every: duration
    .refine((text) => milliseconds(text) >= leastMs, 'must be at least 1m')
    .describe('An interval such as 15m, counted from `from`, or from when `sluice serve` first saw the trigger'),
  from: z.iso.datetime({ offset: true }).optional().describe('Where intervals are counted from: 2026-11-01T00:00:00Z'),
  ...timed,
});

/** Fires at even intervals. Long runs and restarts shift nothing. */
export const everyTrigger: TriggerDriver = {
  kind: 'every',
  spec,
  async poll(trigger, known) {
    const { every, from, ...policy } = spec.parse(trigger);
    const { armed, now } = known;
    const definition = { every, from };
    const cursor = (known.cursor ?? { definition, horizon: armed }) as TimedCursor | Former;
    return timedPoll(policy, (after) => instants(trigger, after, armed), current(cursor), known);

    function current(of: TimedCursor | Former): TimedCursor {
      if ('passed' in of)
        return { definition, horizon: of.every === every ? armed + of.passed * milliseconds(every) : now };
      // A changed interval owes nothing of the past.
      return JSON.stringify(of.definition) === JSON.stringify(definition) ? of : { definition, horizon: now };
    }
  },
  instants,
  describe: ({ every, from }) => `every ${every}${from === undefined ? '' : `, counted from ${from}`}`,
};

/** The cursor of earlier versions. */
interface Former {
  readonly every: unknown;
  readonly passed: number;
}

function* instants(trigger: Readonly<Record<string, unknown>>, after: number, armed: number): Generator<Instant> {
  const { every, from } = spec.parse(trigger);
  const length = milliseconds(every);
  const base = from === undefined ? armed : Date.parse(from);
  for (let n = Math.max(0, Math.floor((after - base) / length) + 1); ; n++) {
    const due = base + n * length;
    yield { key: new Date(due).toISOString(), due };
  }
}
