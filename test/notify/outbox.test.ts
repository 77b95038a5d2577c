import { describe, expect, test } from 'vitest';
import { SluiceError } from '../../controller/errors.ts';
import { memoryNotifier } from '../../controller/notify/memory.ts';
import { deliver, nextTry } from '../../controller/notify/outbox.ts';
import type { Message } from '../../controller/notify/port.ts';
import { memoryStore } from '../../controller/store/memory.ts';

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
  const store = memoryStore();
  await store.create('r', 'p', 0, []);
  await store.append('r', undefined, 0, { events: [], messages: to.map(mail) });
  return store;
}

describe('the outbox', () => {
  test('keeps what a dead server did not take, and sends all of it in order when it is back', async () => {
    const store = await filled('a', 'b');
    let away = true;
    const notifier = memoryNotifier(() => {
      if (away) throw new SluiceError('mail server away', { kind: 'unavailable' });
    });
    expect(await deliver(store, notifier, 0)).toEqual({ sent: 0, waiting: 2, problem: 'mail server away' });
    away = false;
    expect(await deliver(store, notifier, nextTry(0) - 1)).toMatchObject({ sent: 0 });
    expect(await deliver(store, notifier, nextTry(0))).toMatchObject({ sent: 2, waiting: 0 });
    expect(notifier.sent.map((message) => message.to)).toEqual(['a', 'b']);
    expect(await deliver(store, notifier, 1e12)).toMatchObject({ sent: 0 });
  });

  test('gives up only what the server refuses for good, and sends the others', async () => {
    const store = await filled('nobody', 'b');
    const notifier = memoryNotifier((message) => {
      if (message.to === 'nobody') throw new SluiceError('550 no such user', { kind: 'rejected' });
    });
    await deliver(store, notifier, 0);
    expect((await store.messages('r')).map(({ to, state, note }) => [to, state, note])).toEqual([
      ['nobody', 'refused', '550 no such user'],
      ['b', 'sent', 'taken at try 1'],
    ]);
  });

  test('tries again after pauses that double up to a quarter of an hour', () => {
    expect([0, 1, 2, 20].map(nextTry)).toEqual([5000, 10_000, 20_000, 900_000]);
  });
});
