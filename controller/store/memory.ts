import { rejected } from '../errors.ts';
import type { Message } from '../notify/port.ts';
import type { Recorded } from '../run/events.ts';
import type { MessageState, RunStore, RunSummary } from './port.ts';

interface Row {
  summary: RunSummary;
  readonly number: number;
  readonly events: Recorded[];
  owner: string | undefined;
  token: number;
  until: number;
}
interface Posted {
  readonly message: Message;
  state: MessageState;
  tries: number;
  due: number;
  note: string | undefined;
}

/** A run store in memory. What it keeps is copied as a database would, so that nobody changes history by accident. */
export function memoryStore(): RunStore {
  const runs = new Map<string, Row>();
  const outbox = new Map<string, Posted>();
  const rowOf = (run: string): Row => {
    const row = runs.get(run);
    if (!row) throw rejected(`there is no run ${run}`);
    return row;
  };
  const newestFirst = (): Row[] => [...runs.values()].sort((a, b) => b.number - a.number);
  return {
    async create(run, pipeline, at, events) {
      const number = runs.size + 1;
      const summary = {
        run,
        pipeline,
        state: 'pending',
        branch: undefined,
        reason: undefined,
        started: at,
        ended: undefined,
      };
      const first = structuredClone(events).map((event, i) => ({ seq: i + 1, at, event }));
      runs.set(run, { summary, number, events: first, owner: undefined, token: 0, until: 0 });
      return number;
    },
    async lease(run, owner, now, until) {
      const row = rowOf(run);
      if (row.owner !== undefined && row.owner !== owner && row.until > now) return undefined;
      if (row.owner !== owner) row.token += 1;
      row.owner = owner;
      row.until = until;
      return { run, token: row.token };
    },
    async renew({ run, token }, until) {
      const row = rowOf(run);
      if (row.token === token) row.until = until;
      return row.token === token;
    },
    async release({ run, token }) {
      const row = rowOf(run);
      if (row.token === token) row.owner = undefined;
    },
    async append(run, lease, at, { events, summary = {}, messages = [] }) {
      const row = rowOf(run);
      if (lease && row.token !== lease.token) throw rejected(`run ${run} is driven by another controller now`);
      for (const event of events) row.events.push({ seq: row.events.length + 1, at, event: structuredClone(event) });
      row.summary = { ...row.summary, ...summary };
      for (const message of messages) {
        if (!outbox.has(message.id))
          outbox.set(message.id, { message, state: 'waiting', tries: 0, due: at, note: undefined });
      }
    },
    history: async (run, afterSeq = 0) => structuredClone(rowOf(run).events.slice(afterSeq)),
    async find(run) {
      const matching = runs.has(run)
        ? [rowOf(run)]
        : [...runs.values()].filter((row) => row.summary.run.startsWith(run));
      const [row] = matching;
      return row && matching.length === 1 ? { ...row.summary, number: row.number } : undefined;
    },
    list: async ({ pipeline, limit }) =>
      newestFirst()
        .map((row) => row.summary)
        .filter((summary) => pipeline === undefined || summary.pipeline === pipeline)
        .slice(0, limit),
    async lastPins(pipeline) {
      const last = newestFirst().find(
        ({ summary }) => summary.pipeline === pipeline && ['succeeded', 'degraded'].includes(summary.state),
      );
      const measured = last?.events.map((each) => each.event).find((event) => event.type === 'sources-measured');
      return Object.fromEntries(Object.entries(measured?.profiles ?? {}).map(([name, profile]) => [name, profile.pin]));
    },
    due: async (now) =>
      [...outbox.values()]
        .filter((posted) => posted.state === 'waiting' && posted.due <= now)
        .map(({ message, tries }) => ({ message, tries })),
    async noteDelivery(id, state, next, note) {
      const posted = outbox.get(id);
      if (posted) Object.assign(posted, { state, due: next, note, tries: posted.tries + 1 });
    },
    messages: async (run) =>
      [...outbox.values()]
        .filter((posted) => posted.message.run === run)
        .map(({ message, state, note }) => ({ event: message.event, to: message.to, state, note })),
    close: async () => undefined,
  };
}
