import { z } from 'zod';
import type { RunEnd } from '../../../domain/events.ts';
import type { EndedRun } from '../../../domain/ports/store.ts';
import { milliseconds } from '../../../lib/duration.ts';
import { duration, slug } from '../../../pipeline/schema.ts';
import type { TriggerDriver } from '../../drivers.ts';
import type { DueFiring } from '../../firing.ts';

const names = z.array(slug).min(1).max(100);
const spec = z.strictObject({
  after: z
    .union([slug, z.strictObject({ any: names }), z.strictObject({ all: names })])
    .describe('A pipeline, any of several, or all of several'),
  on: z
    .array(z.enum(['succeeded', 'degraded', 'failed', 'skipped', 'cancelled']))
    .min(1)
    .default(['succeeded', 'degraded'])
    .describe('How its run has ended'),
  within: duration.optional().describe('With all: their ends are not further apart than this'),
});
type Fields = z.output<typeof spec>;

/** The ends of runs that are accounted for. */
interface Cursor {
  readonly position: number;
  /** With `all`: the last end of each pipeline that no firing has used. */
  readonly ends: Readonly<Record<string, Pick<EndedRun, 'run' | 'ended'>>>;
}

/** How many ends of runs are looked at in one poll, and how often. */
const most = 500;
const everyMs = 1000;
/** The stored position follows the end of the feed at this distance, so that it is not written for every run. */
const lag = 10_000;

/** Fires when runs of other pipelines have ended. */
export const afterTrigger: TriggerDriver = {
  kind: 'after',
  spec,
  facts: { runs: 'list<string>' },
  broken({ after }, { name }) {
    const isOwn = pipelinesOf(after as Fields['after']).includes(name);
    return isOwn ? [{ at: ['after'], message: 'a pipeline cannot run after itself' }] : [];
  },

  async poll(trigger, { cursor: before, now }, { store, memory }) {
    const { after, on, within } = trigger as unknown as Fields;
    const stored = before as Cursor | undefined;
    const next = now + everyMs;
    if (!stored) {
      const { position } = await store.endsSince(undefined, 1);
      return { firings: [], cursor: { position, ends: {} }, next };
    }
    const from = Math.max(stored.position, Number(memory.get(`looked after ${stored.position}`) ?? 0));
    const { ends, position } = await store.endsSince(from, most);
    const wanted = pipelinesOf(after);
    const relevant = ends.filter(({ pipeline, state }) => wanted.includes(pipeline) && on.includes(state as RunEnd));
    if (relevant.length === 0 && position - stored.position < lag) {
      memory.set(`looked after ${stored.position}`, position);
      return { firings: [], cursor: stored, next: ends.length === most ? now : next };
    }
    const isAll = typeof after === 'object' && 'all' in after;
    const taken = isAll ? together(wanted, relevant, stored.ends, within) : { firings: relevant.map(alone), ends: {} };
    return { firings: taken.firings, cursor: { position, ends: taken.ends }, next: ends.length === most ? now : next };
  },

  describe(trigger) {
    const { after, on, within } = trigger as unknown as Fields;
    const all = pipelinesOf(after).join(typeof after === 'object' && 'all' in after ? ' and ' : ' or ');
    return `after ${all} (${on.join(', ')})${within === undefined ? '' : `, within ${within}`}`;
  },
};

const pipelinesOf = (after: Fields['after']): readonly string[] =>
  typeof after === 'string' ? [after] : 'all' in after ? after.all : after.any;

const alone = ({ run, ended }: EndedRun): DueFiring => ({ key: run, due: ended, facts: { runs: [run] } });

/** A firing whenever every pipeline has an end that no earlier firing has used. */
function together(
  wanted: readonly string[],
  relevant: readonly EndedRun[],
  before: Cursor['ends'],
  within: string | undefined,
): { readonly firings: DueFiring[]; readonly ends: Cursor['ends'] } {
  const firings: DueFiring[] = [];
  let ends = { ...before };
  for (const { pipeline, run, ended } of relevant) {
    ends[pipeline] = { run, ended };
    if (within !== undefined)
      ends = Object.fromEntries(Object.entries(ends).filter(([, each]) => ended - each.ended <= milliseconds(within)));
    const set = wanted.flatMap((name) => ends[name] ?? []);
    if (set.length < new Set(wanted).size) continue;
    const runs = set.map((each) => each.run).sort();
    firings.push({ key: runs.join(' + '), due: ended, facts: { runs } });
    ends = {};
  }
  return { firings, ends };
}
