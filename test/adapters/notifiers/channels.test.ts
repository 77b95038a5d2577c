import { afterEach, describe, expect, test } from 'vitest';
import { messageOf } from '../../../controller/adapters/notifiers/outgoing.ts';
import { builtIn } from '../../../controller/app/registry.ts';
import type { Telling } from '../../../controller/domain/alerts.ts';
import { type Message, MessageDeferredError } from '../../../controller/domain/ports/notifier.ts';
import { emptyState } from '../../../controller/domain/state.ts';
import { noticeOfAlert, noticeOfAlerts } from '../../../controller/messages/alert-notice.ts';
import type { Notice } from '../../../controller/messages/notice.ts';
import { noticeOfRun } from '../../../controller/messages/run-notice.ts';
import { Receiver, services } from './receivers.ts';

const options = { project: 'shop', from: 'me', language: 'en' } as const;
const hostile = `<!channel> <@U1> <script>alert(1)</script> [click](http://evil) *bold* \`\`\`x\`\`\` & "q" ${'long '.repeat(3000)}`;
const pipeline = { name: 'customer-report', branches: [], notify: [] } as never;

const open: Receiver[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((each) => each.close()));
});

async function channel(kind: string) {
  const driver = builtIn.notifiers.find((each) => each.kind === kind);
  const service = services[kind];
  if (!driver || !service) throw new Error(kind);
  const receiver = await new Receiver(service).open();
  open.push(receiver);
  const connections = { [kind]: { ops: driver.connection?.spec?.parse(service.connection(receiver.url)) } };
  const notifier = await driver.open({ project: { connections } } as never);
  return {
    receiver,
    send: (message: Message) => notifier.send(message),
    of: (notice: Notice): Message => messageOf(driver, notice, 'ops', options),
  };
}

const failed = (reason: string): Notice =>
  noticeOfRun(
    'shop',
    '20261130-0600-ab12',
    { ...emptyState(), pipeline, ended: { state: 'failed', at: 5000, reason } } as never,
    'en',
  ) as Notice;
const telling = (is: Telling['is'], reason = 'why'): Telling => ({
  ...{ recipient: 'x', is },
  alert: {
    ...{ name: 'TriggerFailing', severity: 'error', labels: { pipeline: 'customer-report', trigger: 'nightly' } },
    ...{ facts: { reason }, began: 1000 },
  },
});

describe.each(Object.keys(services))('the channel %s', (kind) => {
  test('sends ends of runs and alerts in the form of its service, whatever is in them', async () => {
    const { receiver, send, of } = await channel(kind);
    const notices = [
      failed('bad-sql in marts'),
      failed(hostile),
      noticeOfAlert('shop', telling('begins', hostile), 1000, 'ru'),
      noticeOfAlert('shop', telling('ends'), 9000, 'en'),
      noticeOfAlerts('shop', Array(250).fill(telling('begins', hostile)) as never, 1000, 'en'),
    ];
    for (const notice of notices) await send(of(notice));
    expect(receiver.refused).toEqual([]);
    expect(receiver.received).toHaveLength(notices.length);
  });

  test('gives the same message with the same id whenever it is rendered, and other ids to other notices', async () => {
    const { of } = await channel(kind);
    expect(of(failed('why'))).toEqual(of(failed('why')));
    const ids = [
      of(failed('why')),
      of(noticeOfAlert('shop', telling('begins'), 1000, 'en')),
      of(noticeOfAlert('shop', telling('lasts'), 2000, 'en')),
      of(noticeOfAlert('shop', telling('lasts'), 3000, 'en')),
      of(noticeOfAlert('shop', telling('ends'), 4000, 'en')),
    ].map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    // Another server judges at another time, and tells of the same beginning.
    expect(of(noticeOfAlert('shop', telling('begins'), 1500, 'en')).id).toBe(ids[1]);
  });

  test('understands the answers of its service, and keeps its secrets out of errors', async () => {
    const { receiver, send, of } = await channel(kind);
    const message = of(failed('why'));
    const { secrets = [] } = services[kind] ?? {};
    const errorOf = async (): Promise<Error & { kind?: string; forMs?: number }> => {
      const error = await send(message).catch((each: unknown) => each);
      expect(error).toBeInstanceOf(Error);
      const told = JSON.stringify([(error as Error).message, (error as Error).cause ?? null]);
      for (const secret of secrets) expect(told).not.toContain(secret);
      return error as Error;
    };
    receiver.fault = () => ({ status: 429, headers: { 'retry-after': '7' }, body: 'slow down' });
    const busy = await errorOf();
    expect(busy).toBeInstanceOf(MessageDeferredError);
    expect(busy.forMs).toBe(7000);
    receiver.fault = () => ({ status: 503, body: 'restarting' });
    expect(await errorOf()).toBeInstanceOf(MessageDeferredError);
    receiver.fault = ({ path, body }) => ({ status: 400, body: `${path} ${secrets.join(' ')} ${body}` });
    expect((await errorOf()).kind).toBe('rejected');
    receiver.fault = () => ({ status: 302, headers: { location: `${receiver.url}/elsewhere` } });
    expect((await errorOf()).kind).toBe('rejected');
    expect(receiver.requests.filter((each) => each.includes('elsewhere'))).toEqual([]);
    receiver.fault = () => 'break';
    expect((await errorOf()).kind).toBe('unknown-outcome');
    // The status says what has become of the message, however long the answer is, and though it breaks.
    const large = 'x'.repeat(1 << 20);
    receiver.fault = () => (response) => response.end(large);
    await send(message);
    receiver.fault = () => (response) => response.write('x', () => response.destroy());
    await send(message);
    receiver.fault = () => (response) => response.writeHead(404).end(large);
    expect((await errorOf()).kind).toBe('rejected');
    await receiver.close();
    expect((await errorOf()).kind).toBe('unavailable');
  });
});

test('Telegram says in its answer how long to wait', async () => {
  const { receiver, send, of } = await channel('telegram');
  receiver.fault = () => ({ status: 429, body: { ok: false, parameters: { retry_after: 31 } } });
  await expect(send(of(failed('why')))).rejects.toMatchObject({ forMs: 31_000 });
});

test('an incident of PagerDuty and of Alertmanager ends by the key and the labels by which it began', async () => {
  const pager = await channel('pagerduty');
  for (const is of ['begins', 'lasts', 'ends'] as const)
    await pager.send(pager.of(noticeOfAlert('shop', telling(is), 9000, 'en')));
  const events = pager.receiver.received as { event_action: string; dedup_key: string }[];
  expect(events.map(({ event_action }) => event_action)).toEqual(['trigger', 'trigger', 'resolve']);
  expect(new Set(events.map(({ dedup_key }) => dedup_key)).size).toBe(1);
  const manager = await channel('alertmanager');
  for (const is of ['begins', 'ends'] as const)
    await manager.send(manager.of(noticeOfAlert('shop', telling(is), 9000, 'en')));
  const [[begins], [ends]] = manager.receiver.received as [[Record<string, unknown>], [Record<string, unknown>]];
  expect(ends.labels).toEqual(begins.labels);
  expect(Date.parse(begins.endsAt as string)).toBeGreaterThan(9000);
  expect(Date.parse(ends.endsAt as string)).toBe(9000);
});

test('a recipient that conf/ has lost is refused by name', async () => {
  const driver = builtIn.notifiers.find(({ kind }) => kind === 'slack');
  const notifier = await driver?.open({ project: { connections: { slack: {} } } } as never);
  await expect(notifier?.send({ id: 'a', event: 'failed', to: 'ops', body: {} })).rejects.toThrow(
    'there is no slack.ops in conf/connections.yaml',
  );
});
