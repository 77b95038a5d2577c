import { expect, test } from 'vitest';
import type { Message } from '../../controller/domain/ports/notifier.ts';
import type { Entry, Lease, RunStore } from '../../controller/domain/ports/store.ts';

/** What the store's suite has made ready. */
interface Ready {
  readonly store: () => RunStore;
  readonly pass: (ms: number) => Promise<void>;
  readonly controller: () => Promise<string>;
  readonly fresh: () => Promise<Lease>;
  readonly add: (lease: Lease, at: number, entry: Entry) => Promise<unknown>;
}

const message = (run: string, to: string): Message => ({
  id: `<${run}-${to}>`,
  run,
  event: 'failed',
  to,
  from: 'me',
  subject: 's',
  text: 't',
  html: 'h',
});

/** The part of the store's suite that is about mails. */
export function outboxContract({ store, pass, controller, fresh, add }: Ready): void {
  test('has one postman at a time, until his time or he himself has ended', async () => {
    const [me, you] = [await controller(), await controller()];
    await pass(20);
    while (!(await store().postman(me, 200))) await pass(50);
    expect(await store().postman(you, 200)).toBe(false);
    expect(await store().postman(me, 200)).toBe(true);
    await pass(300);
    expect(await store().postman(you, 60_000)).toBe(true);
    expect(await store().postman(me, 200)).toBe(false);
    await store().strike(you);
    expect(await store().postman(me, 1)).toBe(true);
  });

  test('keeps a message once however often it is put in, and has it due until it is sent', async () => {
    const lease = await fresh();
    const mail = message(lease.run, 'a@example.org');
    for (let i = 0; i < 2; i++) await add(lease, 10, { events: [], messages: [mail] });
    const waiting = async () => (await store().due()).filter((each) => each.message.run === lease.run);
    expect(await waiting()).toEqual([{ message: mail, tries: 0 }]);
    await store().noteDelivery(mail.id, 'waiting', 300, 'away');
    expect(await waiting()).toEqual([]);
    await pass(400);
    expect(await waiting()).toEqual([{ message: mail, tries: 1 }]);
    await store().noteDelivery(mail.id, 'sent', 0, 'taken');
    // A second postman, who was late, does not take that back.
    await store().noteDelivery(mail.id, 'waiting', 0, 'late');
    expect(await waiting()).toEqual([]);
    expect(await store().messages(lease.run)).toEqual([
      { event: 'failed', to: 'a@example.org', state: 'sent', note: 'taken' },
    ]);
  });

  test('gives the messages before one that is due along with it, so that none is overtaken', async () => {
    const lease = await fresh();
    const [first, second] = [message(lease.run, 'first'), message(lease.run, 'second')];
    await add(lease, 1, { events: [], messages: [first] });
    await store().noteDelivery(first.id, 'waiting', 60_000, 'away');
    await add(lease, 1, { events: [], messages: [second] });
    const waiting = (await store().due()).map((each) => each.message).filter((each) => each.run === lease.run);
    expect(waiting.map((each) => each.to)).toEqual(['first', 'second']);
    for (const { id } of [first, second]) await store().noteDelivery(id, 'sent', 0, '');
  });
}
