import { expect, test } from 'vitest';
import type { Message } from '../../controller/domain/ports/notifier.ts';
import type { MessageFilter } from '../../controller/domain/ports/outbox.ts';
import type { Entry, Lease, RunStore } from '../../controller/domain/ports/store.ts';

/** The prepared parts of the store's suite. */
interface Ready {
  readonly store: () => RunStore;
  readonly pass: (ms: number) => Promise<void>;
  readonly controller: () => Promise<string>;
  readonly fresh: () => Promise<Lease>;
  readonly add: (lease: Lease, at: number, entry: Entry) => Promise<unknown>;
}

const message = (run: string, to: string, nth = 1): Message => ({
  id: `<${run}-${to}-${nth}>`,
  run,
  event: 'failed',
  to,
  from: 'me',
  subject: 's',
  text: 't',
  html: 'h',
});

/** The part of the store's suite about messages. */
export function outboxContract({ store, pass, controller, fresh, add }: Ready): void {
  const waitingOf = async ({ run }: Lease): Promise<string[]> =>
    (await store().due()).flatMap((each) => (each.message.run === run ? [each.message.id] : []));

  test('gives a role to one controller at a time, until the role or the lease of the controller expires', async () => {
    const [me, you] = [await controller(), await controller()];
    await pass(20);
    while (!(await store().claimRole('outbox', me, 200))) await pass(50);
    expect(await store().claimRole('outbox', you, 200)).toBe(false);
    expect(await store().claimRole('outbox', me, 200)).toBe(true);
    await pass(300);
    expect(await store().claimRole('outbox', you, 60_000)).toBe(true);
    expect(await store().claimRole('outbox', me, 200)).toBe(false);
    expect(await store().roles()).toEqual([{ role: 'outbox', owner: you }]);
    await store().expire(you);
    expect(await store().roles()).toEqual([]);
    expect(await store().claimRole('outbox', me, 1)).toBe(true);
  });

  test('stores a repeated message once, and returns it as due until it is sent', async () => {
    const lease = await fresh();
    const mail = message(lease.run, 'a@example.org');
    for (let i = 0; i < 2; i++) await add(lease, 10, { events: [], messages: [mail] });
    const waiting = async () => (await store().due()).filter((each) => each.message.run === lease.run);
    expect(await waiting()).toEqual([{ message: mail, tries: 0 }]);
    await store().recordAttempt(mail.id, 'waiting', 300, 'away');
    expect(await waiting()).toEqual([]);
    await pass(400);
    expect(await waiting()).toEqual([{ message: mail, tries: 1 }]);
    await store().recordAttempt(mail.id, 'sent', 0, 'taken');
    // A second, late controller cannot revert that.
    await store().recordAttempt(mail.id, 'waiting', 0, 'late');
    expect(await waiting()).toEqual([]);
    expect(await store().messages(lease.run)).toEqual([
      { channel: 'email', event: 'failed', to: 'a@example.org', state: 'sent', note: 'taken' },
    ]);
  });

  test('returns older messages to a recipient together with a due one, in order', async () => {
    const lease = await fresh();
    const [first, second] = [message(lease.run, 'a'), message(lease.run, 'a', 2)];
    await add(lease, 1, { events: [], messages: [first] });
    await store().recordAttempt(first.id, 'waiting', 60_000, 'away');
    await add(lease, 1, { events: [], messages: [second] });
    expect(await waitingOf(lease)).toEqual([first.id, second.id]);
    for (const { id } of [first, second]) await store().recordAttempt(id, 'sent', 0, '');
  });

  test('a waiting channel or recipient does not delay others', async () => {
    const lease = await fresh();
    const page = { ...message(lease.run, 'a', 2), channel: 'pager' };
    const messages = [message(lease.run, 'a'), page, message(lease.run, 'b')];
    await add(lease, 1, { events: [], messages });
    await store().recordAttempt(page.id, 'waiting', 60_000, 'away');
    expect(await waitingOf(lease)).toEqual([messages[0]?.id, messages[2]?.id]);
    expect((await store().messages(lease.run)).map(({ channel, to }) => [channel, to])).toEqual([
      ['email', 'a'],
      ['pager', 'a'],
      ['email', 'b'],
    ]);
    for (const { id } of messages) await store().recordAttempt(id, 'sent', 0, '');
  });

  test('lists messages back by their numbers, by state and by pipeline, without those to programs that are sent', async () => {
    const lease = await fresh();
    const { pipeline = '' } = (await store().find(lease.run)) ?? {};
    const all = ['a', 'b', 'c'].map((to) => message(lease.run, to));
    const lineage = [1, 2].map((nth) => ({
      ...message(lease.run, 'l', nth),
      channel: 'openlineage',
      event: 'lineage',
    }));
    await add(lease, 1, { events: [], messages: [...all, ...lineage] });
    const [first, second] = all.map(({ id }) => id);
    await store().recordAttempt(first ?? '', 'refused', 0, 'no such user');
    await store().recordAttempt(second ?? '', 'sent', 0, '');
    await store().recordAttempt(lineage[0]?.id ?? '', 'sent', 0, '');
    const list = async (filter: Omit<MessageFilter, 'limit'>, limit = 200) =>
      (await store().posted({ ...filter, limit })).filter(({ run }) => run === lease.run);
    const found = await list({});
    expect(found.map(({ to, state }) => [to, state])).toEqual([
      ['l', 'waiting'],
      ['c', 'waiting'],
      ['b', 'sent'],
      ['a', 'refused'],
    ]);
    expect(found[3]).toMatchObject({ pipeline, channel: 'email', event: 'failed', note: 'no such user', tries: 1 });
    expect(typeof found[3]?.entered).toBe('number');
    expect((await list({ only: 'unsent' })).map(({ to }) => to)).toEqual(['l', 'c', 'a']);
    expect((await list({ only: 'refused' })).map(({ to }) => to)).toEqual(['a']);
    expect((await list({ before: found[1]?.number ?? 0 }, 1)).map(({ to }) => to)).toEqual(['b']);
    expect(await list({ pipelines: [`${pipeline.slice(0, 2)}*`] })).toHaveLength(4);
    expect(await store().posted({ pipelines: ['another-*'], limit: 9 })).toEqual([]);
    for (const { id } of [...all, ...lineage]) await store().recordAttempt(id, 'sent', 0, '');
  });
}
