import { expect, test } from 'vitest';
import type { RunEvent } from '../../controller/domain/events.ts';
import type { RunStore } from '../../controller/domain/ports/store.ts';
import type { NewFiring } from '../../controller/domain/ports/triggers.ts';

/** The contract of what monitoring reads of a store: `open` opens one for a project. */
export function vitalsContract(open: (name: string) => Promise<RunStore>): void {
  let next = 0;
  const project = async () => {
    next += 1;
    const prefix = `vitals-${Date.now().toString(36)}-${next}`;
    return { prefix, store: await open(prefix) };
  };
  const sizes = (invalid: number) => ({ rows: 9, new: 8, invalid, duplicates: 1 });
  const measured = (invalid: number) =>
    ({
      type: 'sources-measured',
      profiles: { orders: { measures: sizes(invalid) }, users: { measures: sizes(0) } },
      findings: [],
    }) as never as RunEvent;
  const ended = (state: string): RunEvent => ({ type: 'run-ended', state, reason: 'why' }) as never;
  const failed = (step: string): RunEvent =>
    ({ type: 'attempt-ended', step, attempt: 1, state: 'failed', failure: { kind: 'bad-sql' } }) as never;

  test('counts what happens once, whoever writes it and whatever is refused', async () => {
    const { prefix, store } = await project();
    const { lease } = await store.create({ run: `${prefix}-a`, pipeline: 'p', at: 1, events: [] });
    await store.append(lease, 0, 2, { events: [measured(3), failed('s'), failed('s'), failed('t')] });
    // Refused writes count nothing.
    await store.append(lease, 0, 2, { events: [failed('s')] });
    await store.append({ ...lease, token: 7 }, 4, 2, { events: [failed('s')] });
    await store.request(`${prefix}-a`, 3, { type: 'cancel-requested', by: 'a' });
    await store.append(lease, 5, 10_000, {
      events: [measured(4), ended('failed')],
      summary: { state: 'failed', ended: 10_000 },
    });
    await store.request(`${prefix}-a`, 5, ended('failed'));
    const { totals } = await store.vitals();
    expect(
      totals.filter(({ pipeline }) => pipeline === 'p').map(({ name, labels, n }) => [name, ...labels, n]),
    ).toEqual([
      ['attempts_ended', 's', 'failed', 'bad-sql', 2],
      ['attempts_ended', 't', 'failed', 'bad-sql', 1],
      ['rows_invalid', 'orders', 7],
      ['run_buckets', 'failed', '15', 1],
      ['run_ms', 'failed', 9999],
      ['runs_ended', 'failed', 1],
    ]);
    await store.remove(`${prefix}-a`);
    expect((await store.vitals()).totals).toEqual(totals);
    await store.close();
  });

  test('counts the phases of runs with the events that end them, and none of a refused write', async () => {
    const { prefix, store } = await project();
    const { lease } = await store.create({ run: `${prefix}-a`, pipeline: 'p', at: 1, events: [] });
    const phases = [
      { phase: 'measure' as const, ms: 500 },
      { phase: 'measure' as const, ms: 501 },
    ];
    for (let i = 0; i < 2; i++) await store.append(lease, 0, 2, { events: [failed('s')], phases });
    expect(
      (await store.vitals()).totals.flatMap(({ name, labels, n }) =>
        name.startsWith('phase') ? [[name, ...labels, n]] : [],
      ),
    ).toEqual([
      ['phase_buckets', 'measure', '0.5', 1],
      ['phase_buckets', 'measure', '1', 1],
      ['phase_ms', 'measure', 1001],
    ]);
    await store.close();
  });

  test('counts each firing once, by its outcome and for as many as its row stands', async () => {
    const { prefix, store } = await project();
    const name = { pipeline: 'p', trigger: 't' };
    const { generation } = await store.trigger(name);
    const start = { run: `${prefix}-r`, pipeline: 'p', at: 1, events: [] };
    const rows: NewFiring[] = [
      { key: 'a', due: 1, as: { start } },
      { key: 'b', due: 2, count: 5, as: { outcome: 'missed', reason: 'why' } },
    ];
    for (let i = 0; i < 2; i++) await store.fire(name, { generation }, rows);
    expect((await store.vitals()).totals.map(({ name: what, labels, n }) => [what, ...labels, n])).toEqual([
      ['firings', 't', 'missed', 5],
      ['firings', 't', 'started', 1],
    ]);
    await store.close();
  });

  test('keeps what was found last of a pipeline, of this project alone', async () => {
    const { prefix, store } = await project();
    const other = await open(`${prefix}-other`);
    const planned = (...outcomes: string[]) =>
      ({
        type: 'planned',
        plan: { choice: { branch: 'b' }, verdicts: outcomes.map((outcome, i) => ({ name: `check ${i}`, outcome })) },
      }) as never as RunEvent;
    for (const [i, pipeline] of ['p', 'q', 'p'].entries()) {
      const { lease } = await store.create({ run: `${prefix}-${i}`, pipeline, at: 1, events: [] });
      await store.append(lease, 0, 2, { events: [measured(i), planned('passed', i === 0 ? 'warn' : 'passed')] });
    }
    const { lease } = await store.create({ run: `${prefix}-9`, pipeline: 'q', at: 1, events: [] });
    await store.append(lease, 0, 2, { events: [planned('fail')] });
    expect((await store.vitals()).readings).toEqual([
      {
        pipeline: 'p',
        sources: { orders: sizes(2), users: sizes(0) },
        checks: { 'check 0': true, 'check 1': true },
      },
      { pipeline: 'q', sources: { orders: sizes(1), users: sizes(0) }, checks: { 'check 0': false } },
    ]);
    expect((await other.vitals()).readings).toEqual([]);
    await Promise.all([store.close(), other.close()]);
  });

  test('tells what is open, how pipelines ended last, and what waits; of this project alone', async () => {
    const { prefix, store } = await project();
    const other = await open(`${prefix}-other`);
    const run = async (of: RunStore, name: string, pipeline: string, at: number, state?: string) => {
      const { lease } = await of.create({ run: `${prefix}-${name}`, pipeline, at, events: [] });
      if (state === undefined) return;
      const summary = { state, ended: at + 5, quality: 0.5, rows: at };
      const messages = [{ id: `<${prefix}-${name}>`, run: `${prefix}-${name}`, event: 'failed', to: 'a@b' }];
      await of.append(lease, 0, at + 5, { events: [ended(state)], summary, messages });
    };
    await run(store, '1', 'p', 10, 'succeeded');
    await run(store, '2', 'p', 20, 'failed');
    await run(store, '3', 'p', 30);
    await run(store, '4', 'p', 40);
    await run(store, '5', 'q', 50, 'degraded');
    await run(other, '6', 'q', 60, 'failed');
    const { now, totals, applications, outbox, ...vitals } = await store.vitals();
    expect(vitals).toEqual({
      open: [{ pipeline: 'p', state: 'pending', runs: 2, oldest: 30 }],
      ended: [
        { pipeline: 'p', run: `${prefix}-2`, state: 'failed', at: 25 },
        { pipeline: 'q', run: `${prefix}-5`, state: 'degraded', at: 55 },
      ],
      published: [
        { pipeline: 'p', at: 15, quality: 0.5, rows: 10 },
        { pipeline: 'q', at: 55, quality: 0.5, rows: 50 },
      ],
      readings: [],
    });
    expect(outbox).toEqual([{ channel: 'email', messages: 3, oldest: expect.any(Number) }]);
    expect(Math.abs(now - (outbox[0]?.oldest ?? 0))).toBeLessThan(60_000);
    expect(now).toBeGreaterThan(0);
    expect(applications).toBeGreaterThanOrEqual(0);
    expect(totals.filter(({ name }) => name === 'runs_ended')).toHaveLength(3);
    await Promise.all([store.close(), other.close()]);
  });
}
