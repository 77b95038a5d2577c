import type { Cause, Recorded, RunEvent } from '../../controller/domain/events.ts';
import type { Message } from '../../controller/domain/ports/notifier.ts';
import type { RunStore } from '../../controller/domain/ports/store.ts';
import { randomOf } from './files.ts';

/** A month of runs, made of one real run of each pipeline: at other times, with other numbers, some of which went wrong. */

const minuteMs = 60_000;
const hourMs = 3_600_000;
const dayMs = 86_400_000;
const owner = 'showcase/place/1/1/abc';
const random = randomOf(42);

/** How a copy of a run goes. */
interface Shape {
  readonly at: number;
  /** How much slower it is than the real one. */
  readonly slower: number;
  /** How many of its rows there are, as a share of the real ones, and how many are invalid. */
  readonly rows: number;
  readonly invalid: number;
  readonly end?: 'succeeded' | 'degraded' | 'failed' | undefined;
  readonly trigger?: string;
  readonly messages?: (run: string) => readonly Message[];
}

const nameAt = (at: number): string => {
  const [day = '', time = ''] = new Date(at).toISOString().slice(0, 19).replace(/[-:]/g, '').split('T');
  return `${day}-${time}-${Math.floor(random() * 0xffff)
    .toString(16)
    .padStart(4, '0')}`;
};

/** The events of a copy, with its rows and its quality. */
function copied(real: readonly Recorded[], run: string, { at, slower, rows, invalid, end }: Shape) {
  const [first] = real;
  const own = JSON.parse(
    JSON.stringify(real).replaceAll(first?.event.type === 'run-started' ? first.event.run : '', run),
  ) as Recorded[];
  const moved = own.map((each) => ({ ...each, at: at + Math.round((each.at - (first?.at ?? 0)) * slower) }));
  let quality = 1;
  for (const { event } of moved) {
    if (event.type === 'sources-measured')
      for (const profile of Object.values(event.profiles)) {
        const { measures } = profile as unknown as { measures: Record<string, number | object> };
        const all = Math.round(Number(measures.rows) * rows);
        const bad = measures.invalid === 0 ? 0 : Math.round(all * invalid);
        Object.assign(measures, { rows: all, invalid: bad, valid: all - bad });
        quality = Math.min(quality, 1 - bad / Math.max(1, all));
      }
    if (event.type === 'planned') Object.assign(event.plan, { quality });
  }
  if (end !== 'failed') return { moved: moved.map((each) => ended(each, end)), quality };
  const until = moved.findIndex(({ event }) => event.type === 'attempt-ended');
  const begun = moved.slice(0, until);
  const last = begun.at(-1)?.at ?? at;
  const message = 'column "paid" does not exist in orders';
  const wrong = [
    {
      type: 'attempt-ended',
      step: 'marts',
      attempt: 1,
      state: 'failed',
      failure: { kind: 'bad-sql', message, lines: [message] },
    },
    { type: 'step-ended', step: 'marts', state: 'failed', reason: `bad-sql: ${message}` },
    { type: 'run-ended', state: 'failed', reason: `bad-sql in marts: ${message}` },
  ] as unknown as RunEvent[];
  return { moved: [...begun, ...wrong.map((event, i) => ({ seq: 0, at: last + 40_000 + i, event }))], quality };
}

const ended = (record: Recorded, state: Shape['end']): Recorded =>
  record.event.type === 'run-ended' && state === 'degraded'
    ? { ...record, event: { ...record.event, state, reason: 'fallback of segments: without events' } }
    : record;

/** Enters a copy of a run: as one that its trigger started, when it has one. */
async function enter(store: RunStore, pipeline: string, real: readonly Recorded[], shape: Shape): Promise<void> {
  const { trigger, messages } = shape;
  const at = Math.round(shape.at);
  const run = nameAt(at);
  const { moved, quality } = copied(real, run, { ...shape, at });
  const [first, ...rest] = moved;
  if (first?.event.type !== 'run-started') return;
  const time = new Date(at + 3 * hourMs).toISOString().slice(0, 16);
  const cause: Cause =
    trigger === undefined ? { kind: 'api', by: 'anna' } : { kind: 'schedule', trigger, due: at, time, key: time };
  const created = { run, pipeline, at, events: [{ ...first.event, cause }], owner, ...(trigger && { trigger }) };
  if (trigger === undefined) await store.create(created);
  else {
    const named = { pipeline, trigger };
    const { generation } = await store.trigger(named);
    await store.fire(named, { generation }, [{ key: time, due: at, as: { start: created } }]);
  }
  const lease = await store.claim(run, owner);
  if (!lease) throw new Error(`run ${run} belongs to another controller`);
  const end = moved.findLast(({ event }) => event.type === 'run-ended');
  const { state = 'succeeded', reason = '' } = end?.event.type === 'run-ended' ? end.event : {};
  let seq = 1;
  for (const record of rest) {
    const isEnd = record === end;
    const posted = isEnd ? (messages?.(run) ?? []) : [];
    const branch = record.event.type === 'planned' && record.event.plan.choice.branch;
    const summary = isEnd
      ? { state, reason, quality, ended: record.at, rows: state === 'failed' ? 0 : Math.round(52_000 * shape.rows) }
      : typeof branch === 'string'
        ? { branch, quality, state: 'running' }
        : undefined;
    const appended = await store.append(lease, seq, record.at, {
      events: [record.event],
      ...(summary && { summary }),
      messages: posted,
    });
    if ('refused' in appended) throw new Error(`run ${run}: ${appended.refused}`);
    seq = appended.seq;
    for (const { id } of posted) {
      const isRefused = id.includes('cfo') && at > Date.now() - 2 * dayMs;
      await store.recordAttempt(
        id,
        isRefused ? 'refused' : 'sent',
        0,
        isRefused ? '550 no such user here' : '250 taken',
      );
    }
  }
}

const mails = (at: number) => (run: string) =>
  ['marketing@example.org', 'cfo@example.org'].map((to) => ({
    ...{
      id: `<${at}-${to}>`,
      run,
      event: 'succeeded',
      to,
      from: 'sluice@example.org',
      subject: 's',
      text: 't',
      html: 'h',
    },
  }));

/** Enters a month of runs, the oldest first. `real` has the history of one run of each pipeline. */
export async function enterMonth(store: RunStore, real: ReadonlyMap<string, readonly Recorded[]>): Promise<void> {
  await store.heartbeat(owner, hourMs);
  const now = Date.now();
  const midnight = now - (now % dayMs);
  const all: { pipeline: string; shape: Shape }[] = [];
  for (let day = 30; day >= 0; day--) {
    const at = midnight - day * dayMs + 3 * hourMs;
    const end = day === 11 ? 'failed' : day === 18 || day === 4 ? 'degraded' : undefined;
    const rows = 0.7 + (30 - day) / 100 + random() / 20 - (new Date(at).getUTCDay() % 6 === 0 ? 0.15 : 0);
    const invalid = day === 7 ? 0.031 : 0.004 + random() / 400;
    const slower = 60 + random() * 40 + (day === 14 ? 160 : 0);
    const shape = { at, slower, rows, invalid, end, trigger: 'nightly', messages: mails(at) } as const;
    if (at < now - hourMs) all.push({ pipeline: 'customer-report', shape });
    const evening = midnight - day * dayMs + 15 * hourMs;
    if (day > 0 && new Date(evening).getUTCDay() % 6 !== 0)
      all.push({
        pipeline: 'partner-export',
        shape: { at: evening, slower: 30, rows: 1, invalid: 0, trigger: 'evening' },
      });
  }
  for (let hour = 40; hour >= 6; hour--)
    all.push({
      pipeline: 'stock-levels',
      shape: {
        ...{ at: now - (now % hourMs) - hour * hourMs + 15 * minuteMs, slower: 20 + random() * 9 },
        ...{ rows: 1, invalid: 0, trigger: 'hourly' },
      },
    });
  for (let hour = 26; hour >= 2; hour -= 3)
    all.push({
      pipeline: 'payments-mart',
      shape: { at: now - hour * hourMs - random() * hourMs, slower: 25, rows: 1, invalid: 0 },
    });
  all.sort((a, b) => a.shape.at - b.shape.at);
  for (const { pipeline, shape } of all) await enter(store, pipeline, real.get(pipeline) ?? [], shape);
  await store.expire(owner);
}
