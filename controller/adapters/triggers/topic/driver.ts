import { z } from 'zod';
import type { Trigger } from '../../../domain/pipeline.ts';
import { mostWaiting, type TriggerState } from '../../../domain/ports/triggers.ts';
import { milliseconds } from '../../../lib/duration.ts';
import { isTooDeep } from '../../../lib/storable.ts';
import { duration, identifier } from '../../../pipeline/schema.ts';
import type { TriggerDriver } from '../../drivers.ts';
import type { Due, DueFiring } from '../../firing.ts';
import type { TopicMessage, TopicRange } from '../../source-watch.ts';
import { needsSource, watched } from '../sources.ts';
import { isEnough, poll } from '../unread.ts';

const spec = z.strictObject({
  topic: identifier.describe('A kafka source of this pipeline'),
  messages: z.int().min(1).default(1).describe('How many new messages start a run'),
  within: duration.optional().describe('Fewer start one when the first of them was seen so long ago'),
  each: z.boolean().default(false).describe('A run for each message, which is trigger.message'),
  poll: poll('5s'),
});
type Fields = z.output<typeof spec>;

/** A message that is larger is not a fact of its run. Bytes. */
const largestFact = 48 << 10;

/** The messages that are accounted for. */
interface Cursor {
  /** Counts how often the topic was created again. */
  readonly epoch: number;
  /** The next offset of each partition. */
  readonly next: Readonly<Record<string, number>>;
  /** When messages after these were first seen. Milliseconds since 1970. */
  readonly since?: number | undefined;
}

/**
 * Fires when a topic has new messages. What is accounted for are offsets, which are stored with the run; no consumer
 * group is used. Messages from before the trigger was first seen are not new.
 */
export const topicTrigger: TriggerDriver = {
  kind: 'topic',
  spec,
  facts: { messages: 'int', partition: 'int', offset: 'int', message: 'dyn' },
  broken: needsSource('topic', 'kafka'),

  async poll(trigger, known, context) {
    const fields = trigger as unknown as Fields;
    const { source, watch } = await watched(fields.topic, context);
    const ranges = (await watch.offsets?.(source)) ?? [];
    if (known.cursor === undefined)
      return { firings: [], cursor: { epoch: 1, next: endsOf(ranges) }, next: known.now + milliseconds(fields.poll) };
    const read = (of: readonly TopicRange[]) => watch.messages?.(source, of) ?? Promise.resolve([]);
    return fields.each ? one(fields, known, ranges, read) : all(fields, known, ranges);
  },

  describe(trigger: Trigger) {
    const { topic, messages, within, each } = trigger as unknown as Fields;
    if (each) return `for each message of ${topic}`;
    const some = messages === 1 ? 'a new message' : `${messages} new messages`;
    return `when ${topic} has ${some}${within === undefined ? '' : `, or fewer for ${within}`}`;
  },
};

const endsOf = (ranges: readonly TopicRange[]): Record<string, number> =>
  Object.fromEntries(ranges.map(({ partition, end }) => [partition, end]));

const countOf = (ranges: readonly TopicRange[]): number => ranges.reduce((sum, { start, end }) => sum + end - start, 0);

/** What is new of each partition. A topic that ends before what was read of it was created again, and is new as a whole. */
function unread(ranges: readonly TopicRange[], cursor: Cursor): Cursor & { readonly fresh: TopicRange[] } {
  const ends = endsOf(ranges);
  const isAnew = Object.entries(cursor.next).some(([partition, next]) => (ends[partition] ?? 0) < next);
  const from = ({ partition, start }: TopicRange): number =>
    isAnew ? start : Math.max(start, cursor.next[partition] ?? 0);
  const fresh = ranges.map((range) => ({ ...range, start: from(range) })).filter(({ start, end }) => start < end);
  return isAnew
    ? {
        epoch: cursor.epoch + 1,
        next: Object.fromEntries(ranges.map((range) => [range.partition, range.start])),
        fresh,
      }
    : { ...cursor, fresh };
}

function all(fields: Fields, { now, cursor: before }: TriggerState, ranges: readonly TopicRange[]): Due {
  const cursor = before as Cursor;
  const { fresh, epoch, next: known } = unread(ranges, cursor);
  const next = now + milliseconds(fields.poll);
  const count = countOf(fresh);
  const since = cursor.since ?? now;
  if (count === 0) return { firings: [], cursor: { epoch, next: known }, left: 0, next };
  if (!isEnough(count, { least: fields.messages, within: fields.within }, since, now))
    return { firings: [], cursor: { epoch, next: known, since }, left: count, next };
  const ends = endsOf(ranges);
  const key = [`#${epoch}`, ...Object.entries(ends).map(([partition, end]) => `${partition}:${end}`)].join(' ');
  const firing = { key, due: now, facts: { messages: count } };
  return { firings: [firing], cursor: { epoch, next: ends }, left: 0, next };
}

/** A firing for each message, as many as may wait; the others follow. */
async function one(
  { poll: every }: Fields,
  { now, waiting, cursor: before }: TriggerState,
  ranges: readonly TopicRange[],
  read: (ranges: readonly TopicRange[]) => Promise<readonly TopicMessage[]>,
): Promise<Due> {
  const { fresh, epoch, next: known } = unread(ranges, before as Cursor);
  let room = Math.max(0, mostWaiting - waiting);
  const taken: TopicRange[] = [];
  for (const { partition, start, end } of fresh) {
    const until = Math.min(end, start + room);
    if (start < until) taken.push({ partition, start, end: until });
    room -= until - start;
  }
  const firings = (await read(taken)).map(({ partition, offset, value }): DueFiring => {
    const facts = { partition, offset, ...(value.length <= largestFact ? { message: parsed(value) } : {}) };
    return { key: `#${epoch} ${partition}:${offset}`, due: now, facts, isAlone: true };
  });
  const next = { ...known, ...endsOf(taken) };
  const isCut = taken.length < fresh.length || taken.some(({ end }, i) => end < (fresh[i]?.end ?? 0));
  const left = countOf(fresh) - countOf(taken);
  return { firings, cursor: { epoch, next }, left, next: now + (isCut ? 1000 : milliseconds(every)), isPartial: isCut };
}

/** A message as JSON, or its text when it is none or nested too deeply. */
function parsed(value: string): unknown {
  try {
    const read: unknown = JSON.parse(value);
    return isTooDeep(read) ? value : read;
  } catch {
    return value;
  }
}
