import { beforeEach, describe, expect, test } from 'vitest';
import { judgeService } from '../../../controller/app/alerts/service.ts';
import { builtIn } from '../../../controller/app/registry.ts';
import type { Service } from '../../../controller/app/services.ts';
import type { TriggerDocument } from '../../../controller/app/views/triggers.ts';
import { connectionsSchema } from '../../../controller/config/connections.ts';
import type { RunStore } from '../../../controller/domain/ports/store.ts';
import { memoryStores } from '../../fakes/store.ts';
import { memoryLogger } from '../../server/world.ts';

const start = Date.parse('2026-03-02T12:00:00Z');
const minute = 60_000;

/** A store with servers that judge it every 30 s. */
function world(alerts: object = { notify: [{ email: 'anna@example.org' }] }, loaded?: object) {
  let now = start;
  const stores = memoryStores(() => now);
  const store = stores({ name: 'shop' });
  const triggers: TriggerDocument[] = [];
  const problems = { gateway: undefined as string | undefined, file: undefined as string | undefined };
  const logger = memoryLogger();
  const connections = connectionsSchema({
    notifiers: builtIn.notifiers,
    sections: Object.fromEntries(
      builtIn.notifiers.flatMap(({ connection }) => (connection?.spec ? [[connection.section, connection.spec]] : [])),
    ),
  }).parse({ alerts });
  const servers = new Map<string, Service>();
  const serverOf = (name: string, of: RunStore): Service =>
    judgeService({
      ...{ project: { name: 'shop', connections }, store: of, notifiers: builtIn.notifiers, logger },
      pipelines: async () => [
        { name: 'p', file: 'conf/pipelines/p.yaml', version: '1', loaded: loaded as never, problem: problems.file },
      ],
      triggers: async () => triggers,
      gateway: async () => problems.gateway,
      owner: () => name,
      monotonic: () => now - start,
    });
  /** A judgement of a server; one with a store of its own has just begun. */
  const server = (name: string, of?: RunStore) => {
    const service = (!of && servers.get(name)) || serverOf(name, of ?? store);
    servers.set(name, service);
    return service.work();
  };
  return {
    ...{ store, triggers, problems, logger, server },
    pass: (ms: number) => {
      now += ms;
    },
    now: () => now,
    subjects: async () => (await store.due()).map(({ message }) => String(message.subject ?? message.to)),
    async run(state: string, more: object = {}) {
      const run = `run-${Math.random()}`;
      const { lease } = await store.create({ run, pipeline: 'p', at: now, events: [] });
      await store.append(lease, 0, now, {
        events: [{ type: 'run-ended', state, reason: 'why' } as never],
        summary: { state, ended: now, ...more },
      });
    },
  };
}
type World = ReturnType<typeof world>;
let w: World;
beforeEach(async () => {
  w = world();
  for (const name of ['s1', 's2']) await w.store.heartbeat(name, 1e12);
});
async function judged(times: number): Promise<void> {
  for (let i = 0; i < times; i++) {
    await Promise.all([w.server('s1'), w.server('s2')]);
    w.pass(30_000);
  }
}
const trigger = (more: Partial<TriggerDocument>): TriggerDocument =>
  ({
    pipeline: 'p',
    trigger: 'nightly',
    state: 'active',
    problem: null,
    paused: null,
    owedSince: null,
    ...more,
  }) as never;

describe('the judge', () => {
  test('tells of a failed run once, and once that the next one has succeeded; with two servers', async () => {
    await w.run('failed');
    await judged(5);
    expect(await w.subjects()).toEqual(['p: the last run failed']);
    await w.run('succeeded');
    await judged(5);
    expect(await w.subjects()).toEqual(['p: the last run failed', 'Resolved: p: the last run failed']);
    expect(await w.store.alerts({ isOpen: true, limit: 9 })).toEqual([]);
  });

  test('is alone by its role, and by the store when two of them judge at once', async () => {
    await w.run('failed');
    // Each believes that it has the role.
    const claims = { ...w.store, claimRole: async () => true };
    await Promise.all([w.server('s1', claims), w.server('s2', claims)]);
    expect(await w.subjects()).toEqual(['p: the last run failed']);
  });

  test('waits as long as a condition must hold, also when it comes and goes', async () => {
    w.problems.gateway = 'connection refused';
    await judged(9);
    w.problems.gateway = undefined;
    await judged(1);
    w.problems.gateway = 'connection refused';
    await judged(10);
    expect(await w.subjects()).toEqual([]);
    await judged(1);
    expect(await w.subjects()).toEqual(['the gateway to Spark does not answer: connection refused']);
  });

  test('hears of a silent night: a schedule that owes, a broken file, a trigger that fails or has paused itself', async () => {
    const owedSince = new Date(w.now()).toISOString();
    w.triggers.push(
      trigger({ owedSince }),
      trigger({ trigger: 'arrivals', state: 'failing', problem: 'no such folder' }),
      trigger({
        trigger: 'hook',
        state: 'paused',
        paused: { by: 'sluice', reason: '3 failures in a row', since: null, until: null },
      }),
      trigger({
        trigger: 'mine',
        state: 'paused',
        owedSince,
        paused: { by: 'anna', reason: null, since: null, until: null },
      }),
    );
    w.problems.file = 'line 3: there is no source "order"';
    await judged(1);
    expect(await w.subjects()).toEqual(['p: trigger hook has paused itself: 3 failures in a row']);
    await judged(4);
    expect((await w.subjects()).slice(1)).toEqual(['p: its file has a problem: line 3: there is no source "order"']);
    await judged(3);
    expect((await w.subjects()).slice(2)).toEqual(['p: trigger nightly has owed a run for 3 min 30 s']);
    await judged(13);
    expect((await w.subjects()).slice(3)).toEqual(['p: trigger arrivals cannot be looked at: no such folder']);
  });

  test('tells of a promise that is at risk, then broken, without any run', async () => {
    const loaded = { pipeline: { name: 'p', notify: [], promises: [{ name: 'fresh', fresherThan: '1h' }], steps: {} } };
    w = world({ notify: [{ email: 'anna@example.org' }] }, loaded);
    await w.store.heartbeat('s1', 1e12);
    await w.server('s1');
    w.pass(50 * minute);
    await w.server('s1');
    w.pass(11 * minute);
    await w.server('s1');
    await w.run('succeeded');
    await w.server('s1');
    expect((await w.subjects()).filter((each) => each.includes('promise'))).toEqual([
      'p: the promise "fresh" is at risk: 50 min 00 s of 1 h 00 min',
      'Resolved: p: the promise "fresh" is at risk: 50 min 00 s of 1 h 00 min',
      'p: the promise "fresh" is broken: 1 h 01 min of 1 h 00 min',
      'Resolved: p: the promise "fresh" is broken: 1 h 01 min of 1 h 00 min',
    ]);
  });

  test('counts retries of an hour, and a server that has just begun to look ends nothing', async () => {
    const { lease } = await w.store.create({ run: 'r', pipeline: 'p', at: w.now(), events: [] });
    let seq = 0;
    const retry = async (n: number) => {
      const events = Array.from({ length: n }, () => ({ type: 'retry-scheduled', step: 's' }) as never);
      await w.store.append(lease, seq, w.now(), { events });
      seq += n;
    };
    await retry(50);
    await judged(2);
    expect(await w.subjects()).toEqual([]);
    await retry(11);
    await judged(2);
    expect(await w.subjects()).toEqual(['p: 11 retries within an hour']);
    await w.store.expire('s1');
    await w.store.expire('s2');
    await w.store.heartbeat('s3', 1e12);
    const ofRetries = async () => (await w.subjects()).filter((each) => each.includes('retries'));
    for (let i = 0; i < 118; i++, w.pass(30_000)) await w.server('s3');
    expect(await ofRetries()).toHaveLength(1);
    for (let i = 0; i < 4; i++, w.pass(30_000)) await w.server('s3');
    expect(await ofRetries()).toEqual(['p: 11 retries within an hour', 'Resolved: p: 11 retries within an hour']);
  });

  test('tells many alerts of a kind in one mail, and programs of each', async () => {
    w = world({ notify: [{ email: 'anna@example.org' }, { pagerduty: 'ops', severity: 'error' }] });
    await w.store.heartbeat('s1', 1e12);
    for (let i = 0; i < 7; i++)
      w.triggers.push(
        trigger({ trigger: `t${i}`, state: 'paused', paused: { by: 'sluice', reason: 'x', since: null, until: null } }),
      );
    await w.server('s1');
    expect(await w.subjects()).toEqual(['7 alerts: TriggerStopped', ...Array(7).fill('ops')]);
    const keys = (await w.store.due()).slice(1).map(({ message }) => (message.body as { dedup_key: string }).dedup_key);
    expect(new Set(keys).size).toBe(7);
  });

  test('leaves out what a recipient does not take', async () => {
    w = world({
      notify: [
        { email: 'anna@example.org', severity: 'critical' },
        { email: 'ben@example.org', pipelines: ['q*'] },
      ],
    });
    await w.store.heartbeat('s1', 1e12);
    await w.run('failed');
    await w.server('s1');
    expect(await w.subjects()).toEqual([]);
    expect(await w.store.alerts({ limit: 9 })).toHaveLength(1);
    expect(w.logger.lines.map(({ message }) => message)).toEqual(['alert: p: the last run failed']);
  });

  test('quarantine, queue and outbox are judged by their limits', async () => {
    const { lease } = await w.store.create({ run: 'waiting', pipeline: 'p', at: w.now(), events: [] });
    const sizes = { rows: 1000, new: 0, invalid: 51, duplicates: 0 };
    await w.store.append(lease, 0, w.now(), {
      events: [{ type: 'sources-measured', profiles: { orders: { measures: sizes } }, findings: [] } as never],
      messages: [{ id: 'm', channel: 'slack', event: 'x', to: 'ops' }],
    });
    await w.server('s1');
    expect(await w.subjects()).toEqual(['ops', 'p: 5.1 % of the rows of orders are invalid']);
    w.pass(31 * minute);
    await judged(12);
    expect((await w.subjects()).slice(2)).toEqual([
      'p: a run has waited for 36 min 00 s',
      'messages by email have waited for 36 min 00 s',
      'messages by slack have waited for 36 min 00 s',
    ]);
  });
});
