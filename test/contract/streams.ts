import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import type { RunEvent } from '../../controller/domain/events.ts';
import type { RunStore } from '../../controller/domain/ports/store.ts';
import { finished, generous, world } from '../server/world.ts';

export interface Received {
  readonly id: string | undefined;
  readonly event: string;
  readonly data: { readonly seq?: number; readonly position?: number; readonly run?: string; readonly state?: string };
}

/** Reads a stream's messages; a comment is not one. */
export async function* messages(response: Response): AsyncGenerator<Received> {
  let text = '';
  const decoder = new TextDecoder();
  for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
    text += decoder.decode(chunk, { stream: true });
    const blocks = text.split('\n\n');
    text = blocks.pop() ?? '';
    for (const block of blocks) {
      const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(block)?.[1];
      const event = field('event');
      if (event !== undefined) yield { id: field('id'), event, data: JSON.parse(field('data') ?? 'null') };
    }
  }
}

export const sse = (last?: string | number) => ({
  headers: { accept: 'text/event-stream', ...(last !== undefined && { 'last-event-id': String(last) }) },
});
export const event = (i: number): RunEvent => ({ type: 'controller-failed', reason: `event ${i}` });
const none = { serve: { limits: { ...generous, streams: 500, streamsPerToken: 500 } } };

/**
 * 200 streams of one run, which are cut at random and resumed, see each event once and in order. They are of two servers,
 * one of which stops when half of the events are there. The stores are two connections to the same one.
 */
export async function expectCutStreams(stores: readonly [RunStore, RunStore]): Promise<void> {
  const [store] = stores;
  const servers = [await world({ ...none, store }), await world({ ...none, store: stores[1] })] as const;
  const { name, lease } = await servers[0].run();
  const total = 1000;
  let random = 7;
  const next = (): number => {
    random = (random * 1_103_515_245 + 12_345) % 2 ** 31;
    return random / 2 ** 31;
  };
  let [cuts, told] = [0, 0];
  let isBroken = false;
  const client = async (): Promise<number[]> => {
    const seen: number[] = [];
    while (!isBroken) {
      const until = seen.length + 1 + Math.floor(next() * 400);
      const { get } = servers[next() < 0.5 ? 0 : 1];
      for await (const { id, event: type } of messages(
        await get(`/api/v1/runs/${name}/events`, sse(seen.at(-1) ?? 0)),
      )) {
        if (type === 'end') return seen;
        if (type === 'closing') told += 1;
        if (id === undefined) break;
        seen.push(Number(id));
        if (seen.length >= until) break;
      }
      cuts += 1;
    }
    return seen;
  };
  const clients = Array.from({ length: 200 }, client);
  try {
    for (let seq = 1; seq < total - 1; ) {
      const events = Array.from({ length: Math.min(1 + Math.floor(next() * 20), total - 1 - seq) }, (_, i) =>
        event(seq + i),
      );
      await store.append(lease, seq, Date.now(), { events });
      seq += events.length;
      if (seq > total / 2) servers[0].api.hub.stop();
      await sleep(1);
    }
    await store.append(lease, total - 1, Date.now(), { events: finished.events, ...finished.entry });
  } catch (error) {
    isBroken = true;
    throw error;
  }
  const all = await Promise.all(clients);
  const wanted = Array.from({ length: total }, (_, i) => i + 1);
  for (const seen of all) expect(seen).toEqual(wanted);
  expect(cuts).toBeGreaterThan(200);
  expect(told).toBeGreaterThan(0);
  process.stdout.write(
    `${all.length} streams, ${total} events, ${cuts} cuts, ${told} by a server that stopped: each event once, in order\n`,
  );
  // A cut stream frees what it had.
  for (let i = 0; i < 100 && servers.some(({ api }) => api.hub.size > 0); i++) await sleep(50);
  expect(servers.map(({ api }) => api.hub.size)).toEqual([0, 0]);
}
