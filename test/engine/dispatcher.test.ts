import { describe, expect, test } from 'vitest';
import { type Message, MessageDeferredError } from '../../controller/domain/ports/notifier.ts';
import { dispatchOutbox, retryDelayMs } from '../../controller/engine/dispatcher.ts';
import { SluiceError } from '../../controller/lib/errors.ts';
import { memoryNotifier } from '../fakes/notifier.ts';
import { memoryStore } from '../fakes/store.ts';

const mail = (to: string): Message => ({
  id: `<${to}>`,
  run: 'r',
  event: 'failed',
  to,
  from: 'me',
  subject: 's',
  text: 't',
  html: 'h',
});

async function filled(...to: string[]) {
  let now = 0;
  const store = memoryStore(() => now);
  const { lease } = await store.create({ run: 'r', pipeline: 'p', at: 0, events: [] });
  await store.append(lease, 0, 0, { events: [], messages: to.map(mail) });
  await store.heartbeat('me', 1e12);
  await store.heartbeat('you', 1e12);
  return {
    store,
    pass(ms: number): void {
      now += ms;
    },
  };
}
const away = (): never => {
  throw new SluiceError('mail server away', { kind: 'unavailable' });
};

describe('the outbox', () => {
  test('holds its messages while a server is dead for an hour, and sends all in order when it is back', async () => {
    const { store, pass } = await filled('a', 'b');
    let isAway = true;
    const notifier = memoryNotifier(() => isAway && away());
    let tries = 0;
    const counted = { send: (message: Message) => notifier.send(message).finally(() => (tries += 1)) };
    for (let second = 0; second < 3600; second++) {
      await dispatchOutbox(store, counted, 'me');
      pass(1000);
    }
    expect(notifier.sent).toEqual([]);
    // One connection per attempt, for any number of waiting mails: about one a minute.
    expect(tries).toBeGreaterThan(50);
    expect(tries).toBeLessThan(80);
    isAway = false;
    pass(60_000);
    expect(await dispatchOutbox(store, counted, 'me')).toEqual({ sent: 2, problem: undefined });
    expect(notifier.sent.map((message) => message.to)).toEqual(['a', 'b']);
    pass(1e9);
    expect(await dispatchOutbox(store, counted, 'me')).toEqual({ sent: 0, problem: undefined });
  });

  test('gives up only permanently refused messages, delays only deferred ones, and sends the others', async () => {
    const { store, pass } = await filled('nobody', 'greylisted', 'c');
    let late = true;
    const notifier = memoryNotifier((message) => {
      if (message.to === 'nobody') throw new SluiceError('550 no such user', { kind: 'rejected' });
      if (message.to === 'greylisted' && late) throw new MessageDeferredError('450 come again', {});
    });
    await dispatchOutbox(store, notifier, 'me');
    const states = async () => (await store.messages('r')).map(({ to, state, note }) => [to, state, note]);
    expect(await states()).toEqual([
      ['nobody', 'refused', '550 no such user'],
      ['greylisted', 'waiting', '450 come again'],
      ['c', 'sent', 'taken at try 1'],
    ]);
    late = false;
    pass(retryDelayMs(0));
    await dispatchOutbox(store, notifier, 'me');
    expect((await states())[1]).toEqual(['greylisted', 'sent', 'taken at try 2']);
  });

  test('sends due messages of one channel while another does not respond', async () => {
    const { store } = await filled('a');
    const { lease } = await store.create({ run: 'r2', pipeline: 'p', at: 0, events: [] });
    const page = { ...mail('pager'), run: 'r2', channel: 'pager' };
    await store.append(lease, 0, 0, { events: [], messages: [page, { ...mail('b'), run: 'r2' }] });
    const notifier = memoryNotifier();
    let answer = (): void => undefined;
    const silent = new Promise<void>((resolve) => {
      answer = resolve;
    });
    const both = { send: (each: Message) => (each.channel === 'pager' ? silent : notifier.send(each)) };
    const delivering = dispatchOutbox(store, both, 'me');
    while (notifier.sent.length < 2) await new Promise((resolve) => setTimeout(resolve, 1));
    expect(notifier.sent.map(({ to }) => to)).toEqual(['a', 'b']);
    answer();
    expect(await delivering).toEqual({ sent: 3, problem: undefined });
  });

  test('sends what is due to others while one recipient of the same channel does not answer', async () => {
    const { store } = await filled('a');
    const { lease } = await store.create({ run: 'r2', pipeline: 'p', at: 0, events: [] });
    const slack = (to: string) => ({ ...mail(to), id: `<slack ${to}>`, run: 'r2', channel: 'slack' });
    await store.append(lease, 0, 0, { events: [], messages: [slack('dead'), slack('ops')] });
    const notifier = memoryNotifier();
    const hangs = {
      send: (each: Message) => (each.to === 'dead' ? new Promise<never>(() => undefined) : notifier.send(each)),
    };
    const underWay = new Map();
    const dispatch = () => void dispatchOutbox(store, hangs, 'me', undefined, underWay);
    dispatch();
    while (notifier.sent.length < 2) await new Promise((resolve) => setTimeout(resolve, 1));
    await store.append(lease, 0, 0, {
      events: [],
      messages: [
        { ...slack('ops'), id: '<second>' },
        { ...slack('dead'), id: '<other>' },
      ],
    });
    dispatch();
    while (notifier.sent.length < 3) await new Promise((resolve) => setTimeout(resolve, 1));
    expect(notifier.sent.map(({ to }) => to)).toEqual(['a', 'ops', 'ops']);
    expect([...underWay.keys()]).toEqual(['slack dead']);
  });

  test('waits as long as a server asks for', async () => {
    const { store, pass } = await filled('a');
    let isBusy = true;
    const notifier = memoryNotifier(() => {
      if (isBusy) throw new MessageDeferredError('429', { forMs: 90_000 });
    });
    await dispatchOutbox(store, notifier, 'me');
    isBusy = false;
    pass(89_000);
    expect(await dispatchOutbox(store, notifier, 'me')).toMatchObject({ sent: 0 });
    pass(1000);
    expect(await dispatchOutbox(store, notifier, 'me')).toMatchObject({ sent: 1 });
  });

  test('preserves the order for one recipient, also when the server defers the first message', async () => {
    const { store, pass } = await filled('late');
    const { lease } = await store.create({ run: 'r2', pipeline: 'p', at: 0, events: [] });
    const messages = [{ ...mail('late'), id: '<second>' }, mail('other')].map((each) => ({ ...each, run: 'r2' }));
    await store.append(lease, 0, 0, { events: [], messages });
    let isLate = true;
    const notifier = memoryNotifier(({ id }) => {
      if (isLate && id === '<late>') throw new MessageDeferredError('450 come again', {});
    });
    await dispatchOutbox(store, notifier, 'me');
    expect(notifier.sent.map(({ id }) => id)).toEqual(['<other>']);
    isLate = false;
    pass(retryDelayMs(0));
    await dispatchOutbox(store, notifier, 'me');
    expect(notifier.sent.map(({ id }) => id)).toEqual(['<other>', '<late>', '<second>']);
  });

  test('is dispatched by one controller at a time', async () => {
    const { store, pass } = await filled('a');
    await store.claimRole('outbox', 'you', 5000);
    const notifier = memoryNotifier();
    expect(await dispatchOutbox(store, notifier, 'me')).toMatchObject({ sent: 0 });
    pass(6000);
    expect(await dispatchOutbox(store, notifier, 'me')).toMatchObject({ sent: 1 });
  });

  test('retries after pauses that double up to a minute', () => {
    expect([0, 1, 2, 20].map(retryDelayMs)).toEqual([5000, 10_000, 20_000, 60_000]);
  });
});
