import { describe, expect, test } from 'vitest';
import { builtIn } from '../../controller/app/registry.ts';
import { telemetryOf } from '../../controller/app/telemetry.ts';
import { lineageDocument } from '../../controller/app/views/telemetry.ts';
import { connectionsSchema } from '../../controller/config/connections.ts';
import type { Recorded } from '../../controller/domain/events.ts';
import { type Message, MessageDeferredError } from '../../controller/domain/ports/notifier.ts';
import { version } from '../../controller/lib/env.ts';
import { keyOfLineage, type LineageEvent } from '../../controller/telemetry/lineage.ts';
import type { OtlpTraces } from '../../controller/telemetry/otlp.ts';
import { traceOf } from '../../controller/telemetry/trace.ts';
import { dead, done, world } from '../engine/world.ts';
import { good, load } from '../pipeline/files.ts';
import { profile } from '../planning/profiles.ts';
import { histories } from '../telemetry/histories.ts';
import { bodies, kinds, messagesOf, receivers, telemetry } from '../telemetry/told.ts';
import { adapters } from '../telemetry/world.ts';

const all = await histories();

const byKey = (a: LineageEvent, b: LineageEvent): number => (keyOfLineage(a) < keyOfLineage(b) ? -1 : 1);

test.each(Object.entries(all).filter(([name]) => name !== 'unfinished'))(
  'receivers accept each event and the trace of a run that was %s, each once',
  async (_name, history) => {
    const { send, openlineage, otlp } = await receivers();
    const messages = await messagesOf(history);
    for (const message of messages) await send(message);
    expect([...openlineage.refused, ...otlp.refused]).toEqual([]);
    const { events } = await lineageDocument(adapters, history);
    // Two receivers, of which each is told all of it.
    expect(openlineage.received).toHaveLength(2 * events.length);
    expect(otlp.received).toHaveLength(1);
    expect(bodies<LineageEvent>(messages, 'catalog').toSorted(byKey)).toEqual(events.toSorted(byKey));
    expect(JSON.stringify(messages)).not.toContain('canary');
    const [trace] = bodies<OtlpTraces>(messages, 'collector');
    expect(trace).toEqual(traceOf(history, { project: 'shop-project', version }));
  },
);

test('every controller of a run renders the same messages, with the same ids and bytes', async () => {
  const history = all.succeeded ?? [];
  expect(JSON.stringify(await messagesOf(history))).toBe(JSON.stringify(await messagesOf(history)));
});

test('the start of a run is sent when it is planned, and nothing of one that waits', async () => {
  const history = all.succeeded ?? [];
  const planned = history.findIndex(({ event }) => event.type === 'planned');
  expect(await messagesOf(history.slice(0, planned))).toEqual([]);
  expect(bodies<LineageEvent>(await messagesOf(history.slice(0, planned + 1)), 'catalog')).toMatchObject([
    { eventType: 'START', job: { name: 'shop' } },
  ]);
});

test('a run that ends before it is planned has begun, too', async () => {
  const [first] = all.succeeded as [Recorded];
  const ended = {
    seq: 2,
    at: first.at + 1,
    event: { type: 'run-ended', state: 'failed', reason: 'no source' },
  } as Recorded;
  const events = bodies<LineageEvent>(await messagesOf([first, ended]), 'other');
  expect(events.map(({ eventType }) => eventType)).toEqual(['START', 'FAIL']);
});

test('inputs that are lost: what is told again has the same id, and the store keeps the first', async () => {
  const w = world({ deliveries: profile(), orders: profile() }, (key) =>
    key.endsWith('-1')
      ? [{ state: 'running' }, { state: 'failed', detail: 'ERROR: invalid snapshot identifier "1-2"' }]
      : done,
  );
  Object.assign(w.ports, { telemetry });
  await w.run(await load(good.replace('    fallback: poorer\n', '').replace(/ {2}poorer:\n.*\n/, '')));
  const messages = (await w.ports.store.due()).map(({ message }) => message);
  expect(bodies<LineageEvent>(messages, 'catalog').map(({ eventType, job }) => `${eventType} ${job.name}`)).toEqual([
    'START shop',
    'START shop.marts',
    'COMPLETE shop.marts',
    'COMPLETE shop',
  ]);
});

test('what cannot be rendered is left out, and the run and its mail are none the worse', async () => {
  const w = world({ deliveries: profile(), orders: profile() }, () => dead);
  Object.assign(w.ports, { telemetry: () => Promise.reject(new TypeError('no lineage')) });
  const { state } = await w.run(await load(good.replace('    fallback: poorer', '    fallback: poorer')));
  expect(state.ended?.state).toBe('failed');
  expect((await w.ports.store.due()).map(({ message }) => message.event)).toEqual(['failed']);
  expect(JSON.stringify(w.updates)).toContain('lineage and traces miss a part: no lineage');
});

describe.each(kinds)('a receiver of %s', (kind) => {
  test('that is busy is asked again, and one that refuses is not; its secrets are kept out of errors', async () => {
    const { send, [kind]: receiver } = await receivers();
    const message = (await messagesOf(all.succeeded ?? [])).find(({ channel }) => channel === kind) as Message;
    const errorOf = async (): Promise<Error & { kind?: string; forMs?: number }> => {
      const error = await send(message).catch((each: unknown) => each);
      expect(error).toBeInstanceOf(Error);
      expect((error as Error).message).not.toContain('kept-secret');
      return error as Error;
    };
    receiver.fault = () => ({ status: 429, headers: { 'retry-after': '7' }, body: 'slow down' });
    expect(await errorOf()).toMatchObject({ forMs: 7000 });
    receiver.fault = () => ({ status: 503 });
    expect(await errorOf()).toBeInstanceOf(MessageDeferredError);
    receiver.fault = () => ({ status: 422, body: 'kept-secret is not mine' });
    expect((await errorOf()).kind).toBe('rejected');
    await receiver.close();
    expect((await errorOf()).kind).toBe('unavailable');
  });
});

describe('conf/', () => {
  const schema = connectionsSchema({
    sections: Object.fromEntries(builtIn.telemetry.map(({ connection }) => [connection.section, connection.spec])),
  });
  const problemOf = (connections: object): string | undefined =>
    schema.safeParse(connections).error?.issues[0]?.message;

  test('names receivers, and without them nothing is rendered', () => {
    expect(telemetryOf(adapters, 'r1')).toBeUndefined();
    const login = { url: 'https://lineage.example.org/', user: 'me', password: 'mine' };
    expect(
      problemOf({ openlineage: { catalog: login }, otlp: { a: { url: 'http://c:4318', headers: { 'X-Key': 'k' } } } }),
    ).toBeUndefined();
  });

  test.each([
    ['no address', { openlineage: { a: { url: 'lineage.example.org' } } }, 'must be a URL'],
    ['two logins', { openlineage: { a: { url: 'http://a', token: 't', user: 'u' } } }, 'either a token, or a user'],
    ['a header that is none', { otlp: { a: { url: 'http://a', headers: { 'a b': 'k' } } } }, ''],
    ['a header that is Sluice’s', { otlp: { a: { url: 'http://a', headers: { 'Content-Type': 'text/plain' } } } }, ''],
    ['a header with a line break', { otlp: { a: { url: 'http://a', headers: { a: 'x\r\nb: c' } } } }, ''],
  ])('is refused with %s', (_what, connections, message) => {
    expect(problemOf(connections)).toContain(message);
  });
});
