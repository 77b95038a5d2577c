import { z } from 'zod';
import { recordedSchema } from '../../app/views/documents.ts';
import type { FeedEvent, RunSummary } from '../../domain/ports/store.ts';
import { SluiceError } from '../../lib/errors.ts';
import { iso } from '../../lib/text.ts';
import { Problem } from '../http/problem.ts';
import { type AnyRoute, type Asked, route } from '../http/route.ts';
import { lastEventId, type Sent } from '../streams/sse.ts';
import * as examples from './examples.ts';
import { type Asking, findVisible, runParams, sees, shownEvent } from './shared.ts';

/** Events that a stream reads at once. */
const batch = 500;
/** The pause of a stream while the store is away. Milliseconds. */
const awayMs = 1000;

/** The greatest number of an event in a history. */
const mostSeq = 2 ** 31 - 1;

const eventQuery = {
  after: z.coerce.number().int().min(0).optional().describe('Only events after this one'),
  limit: z.coerce.number().int().min(1).max(1000).default(500).describe('The most events of a page'),
};
const streamHeaders = {
  Accept: 'text/event-stream for a stream',
  'Last-Event-ID': 'The last event that the client has; the stream goes on after it',
};

/** Where a stream begins. Throws a Problem for an id that is no number. */
function positionOf(headers: Headers, after: number | undefined): number | undefined {
  const last = lastEventId(headers);
  if (Number.isNaN(last)) throw new Problem(400, 'the Last-Event-ID is no number');
  return last ?? after;
}

/** Reads with a pause while the store is away, so that a stream outlives it. */
async function patiently<T>(read: () => Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  while (!signal.aborted) {
    try {
      return await read();
    } catch (error) {
      if (!(error instanceof SluiceError) || error.kind === 'rejected') throw error;
      await new Promise<void>((resolve) => setTimeout(resolve, awayMs));
    }
  }
  return undefined;
}

const closing: Sent = { event: 'closing', data: { reason: 'the server stops; connect again with Last-Event-ID' } };

/** The events of a run after a number, as they appear, until it has ended. */
async function* follow(
  { api, principal }: Asking,
  run: string,
  after: number,
  signal: AbortSignal,
): AsyncGenerator<Sent> {
  const subscription = api.hub.subscribe(run, signal);
  try {
    let seq = after;
    while (!signal.aborted) {
      const records = (await patiently(() => api.store.history(run, seq), signal)) ?? [];
      for (const { seq: id, at, event } of records) {
        seq = id;
        yield { id, event: event.type, data: { seq: id, at: iso(at), event: shownEvent(principal, event) } };
      }
      const summary = records.length > 0 ? undefined : await patiently(() => api.store.find(run), signal);
      // A history may grow by events that were requested at the moment of its end.
      if (summary?.ended !== undefined && (await api.store.history(run, seq)).length === 0)
        return yield { event: 'end', data: { run, state: summary.state } };
      if (api.hub.stopped.aborted) return yield closing;
      if (records.length === 0) await subscription.changed();
    }
  } finally {
    subscription.close();
  }
}

const getEvents = route({
  name: 'getEvents',
  method: 'GET',
  path: '/runs/{run}/events',
  scope: 'read',
  summary: 'The history of a run, as JSON or as a stream that goes on until the run has ended',
  params: runParams,
  query: z.strictObject(eventQuery),
  headers: streamHeaders,
  response: z.object({ items: z.array(recordedSchema), next: z.int().nullable() }),
  also: { 'text/event-stream': 'Each event with its number as id and its type as event; `end` is the last one' },
  errors: [404],
  example: {
    params: { run: examples.run },
    query: { after: 11 },
    answer: { items: [{ seq: 12, at: examples.started, event: examples.event }], next: null },
  },
  async handler(asked) {
    const { api, headers, query, params, principal } = asked;
    const { run } = await findVisible(asked, params.run);
    const after = Math.min(positionOf(headers, query.after) ?? 0, mostSeq);
    if (asked.stream) return asked.stream((signal) => follow(asked, run, after, signal));
    const records = await api.store.history(run, after);
    const items = records
      .slice(0, query.limit)
      .map(({ seq, at, event }) => ({ seq, at: iso(at) as string, event: shownEvent(principal, event) }));
    return { body: { items, next: records.length > items.length ? (items.at(-1)?.seq ?? null) : null } };
  },
});

/** Whether the principal sees an event, by the pipeline of its run. Asks the store once a run. */
function visibility({ api, principal }: Asking): (event: FeedEvent) => Promise<boolean> {
  if (principal.pipelines.includes('*')) return async () => true;
  const known = new Map<string, boolean>();
  return async ({ run }) => {
    const found: RunSummary | undefined = known.has(run) ? undefined : await api.store.find(run);
    const isSeen = known.get(run) ?? (found !== undefined && sees(principal, found.pipeline));
    known.set(run, isSeen);
    if (known.size > 10_000) known.delete(known.keys().next().value ?? '');
    return isSeen;
  };
}

const shown = ({ principal }: Asking, { position, run, seq, at, event }: FeedEvent) => ({
  position,
  run,
  seq,
  at: iso(at) as string,
  event: shownEvent(principal, event),
});

async function* followAll(
  asked: Asked<unknown, unknown, unknown>,
  from: number | undefined,
  signal: AbortSignal,
): AsyncGenerator<Sent> {
  const { api } = asked;
  const subscription = api.hub.subscribe(undefined, signal);
  const isVisible = visibility(asked);
  try {
    let position = from ?? (await patiently(() => api.store.lastPosition(), signal)) ?? 0;
    while (!signal.aborted) {
      const events = (await patiently(() => api.store.since(position, batch), signal)) ?? [];
      for (const each of events) {
        position = each.position;
        if (await patiently(() => isVisible(each), signal))
          yield { id: each.position, event: each.event.type, data: shown(asked, each) };
      }
      if (api.hub.stopped.aborted) return yield closing;
      if (events.length === 0) await subscription.changed();
    }
  } finally {
    subscription.close();
  }
}

const getProjectEvents = route({
  name: 'getProjectEvents',
  method: 'GET',
  path: '/events',
  scope: 'read',
  summary: 'The events of all runs in one order, as JSON or as a stream; a stream without a start begins now',
  query: z.strictObject(eventQuery),
  headers: streamHeaders,
  response: z.object({
    items: z.array(recordedSchema.extend({ position: z.int(), run: z.string() }).meta({ id: 'FeedEvent' })),
    next: z.int().nullable(),
  }),
  also: { 'text/event-stream': 'Each event with its position as id and its type as event' },
  example: {
    query: { after: 1041 },
    answer: {
      items: [{ position: 1042, run: examples.run, seq: 12, at: examples.started, event: examples.event }],
      next: null,
    },
  },
  async handler(asked) {
    const { api, headers, query } = asked;
    const after = positionOf(headers, query.after);
    if (asked.stream) return asked.stream((signal) => followAll(asked, after, signal));
    const events = await api.store.since(after ?? 0, query.limit);
    const isVisible = visibility(asked);
    const items: ReturnType<typeof shown>[] = [];
    for (const each of events) if (await isVisible(each)) items.push(shown(asked, each));
    return { body: { items, next: events.length === query.limit ? (events.at(-1)?.position ?? null) : null } };
  },
});

/** Histories, and streams of them. */
export const historyRoutes: readonly AnyRoute[] = [getEvents, getProjectEvents];
export const historyCalls = { getEvents };
