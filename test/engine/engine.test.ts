import { describe, expect, test } from 'vitest';
import { SluiceError } from '../../controller/lib/errors.ts';
import { good, load } from '../pipeline/files.ts';
import { profile } from '../planning/profiles.ts';
import { dead, done, failing, unavailable, world } from './world.ts';

const profiles = { deliveries: profile(), orders: profile() };
const retrying = good.replace(
  '    fallback: poorer',
  '    retry: { maximumAttempts: 3, initialInterval: 5s, maximumInterval: 1m }',
);
const alone = retrying.replace(/ {2}poorer:\n.*\n/, '');
const types = (events: readonly { type: string }[]): string[] => events.map((event) => event.type);

describe('a run without failures', () => {
  test('measures, plans, intends before it submits, publishes once, and ends', async () => {
    const { run, backend, publisher } = world(profiles);
    const { state, events } = await run(await load(alone));
    expect(state.ended?.state).toBe('succeeded');
    expect(types(events)).toEqual([
      'run-started',
      'measuring',
      'sources-measured',
      'planned',
      'attempt-intended',
      'attempt-submitted',
      'application-found',
      'attempt-ended',
      'outputs-published',
      'step-ended',
      'run-ended',
    ]);
    expect(backend.submitted).toEqual(['sluice-r1-marts-1']);
    expect(publisher.published.get('out')).toEqual({ key: 'sluice-r1-marts-1', runNumber: 1 });
  });

  test('without work submits nothing and is skipped', async () => {
    const { run, backend } = world(profiles);
    const { state } = await run(await load(good.replace('branch in ["full", "light"]', 'branch == "full"')));
    expect(state.ended?.state).toBe('skipped');
    expect(backend.submitted).toEqual([]);
  });

  test('runs steps after their upstream steps, and skips those whose upstream steps were all skipped', async () => {
    const steps =
      '  after: { needs: [marts], spark: { sql: marts.sql } }\n  never: { if: branch == "full", spark: { sql: marts.sql } }\n  idle: { needs: [never], spark: { sql: marts.sql } }\n  joined: { needs: [marts, never], spark: { sql: marts.sql } }\n  poorer:\n';
    const { run, backend } = world(profiles);
    const { state } = await run(await load(good.replace('  poorer:\n', steps)));
    expect(Object.fromEntries(Object.entries(state.steps).map(([name, step]) => [name, step.ended?.state]))).toEqual({
      marts: 'succeeded',
      after: 'succeeded',
      never: 'skipped',
      idle: 'skipped',
      joined: 'succeeded',
      poorer: 'skipped',
    });
    expect(backend.submitted[0]).toBe('sluice-r1-marts-1');
  });
});

describe('a step that fails', () => {
  test('is retried after a growing pause, and the run reports why and when', async () => {
    const { run, backend } = world(profiles, (key) => (key.endsWith('-3') ? done : dead));
    const { state, events } = await run(await load(alone));
    expect(state.ended?.state).toBe('succeeded');
    expect(backend.submitted).toHaveLength(3);
    const retries = events.filter((event) => event.type === 'retry-scheduled');
    expect(retries.map((retry) => retry.attempt)).toEqual([2, 3]);
    expect(retries[0]?.reason).toBe('unknown: Livy says dead');
    const starts = state.steps.marts?.attempts.map((attempt) => attempt.startedAt) ?? [];
    const pauses = starts.slice(1).map((start, i) => start - (state.steps.marts?.attempts[i]?.ended?.at ?? 0));
    expect(pauses[0]).toBeGreaterThanOrEqual(4000);
    expect(pauses[1]).toBeGreaterThanOrEqual(8000);
  });

  test('on every attempt fails the run with one mail, and publishes nothing', async () => {
    const { run, publisher, ports } = world(profiles, () => dead);
    const { state } = await run(await load(alone));
    expect(state.ended).toMatchObject({ state: 'failed' });
    expect(state.ended?.reason).toContain('step marts: unknown after 3 attempts: Livy says dead');
    expect(publisher.published.size).toBe(0);
    expect(await ports.store.messages('r1')).toEqual([
      { channel: 'email', event: 'failed', to: 'a@example.org', state: 'waiting', note: undefined },
    ]);
  });

  test('because of its SQL is not retried', async () => {
    const w = world(profiles, () => dead);
    w.results.set('sluice-r1-marts-1', {
      state: 'failed',
      error: { type: 'AnalysisException', message: '[UNRESOLVED_COLUMN] nope', phase: 'running the SQL' },
    });
    const { state } = await w.run(await load(alone));
    expect(w.backend.submitted).toEqual(['sluice-r1-marts-1']);
    expect(state.steps.marts?.attempts[0]?.failure?.kind).toBe('bad-sql');
  });

  test('and has a fallback: the fallback runs instead, and the run is degraded', async () => {
    const { run, publisher } = world(profiles, (key) => (key.includes('poorer') ? done : dead));
    const { state } = await run(
      await load(good.replace('fallback: poorer', 'fallback: poorer\n    retry: { maximumAttempts: 1 }')),
    );
    expect(state.ended?.state).toBe('degraded');
    expect(state.steps.marts?.ended?.state).toBe('degraded');
    expect(state.steps.poorer?.ended?.state).toBe('succeeded');
    expect(publisher.published.size).toBe(0);
  });

  test('whose fallback fails too fails the run', async () => {
    const { run } = world(profiles, () => dead);
    const { state } = await run(
      await load(good.replace('fallback: poorer', 'fallback: poorer\n    retry: { maximumAttempts: 1 }')),
    );
    expect(state.ended?.state).toBe('failed');
    expect(state.ended?.reason).toContain('fallback poorer failed too');
  });

  test('skips the steps that need it', async () => {
    const { run, backend } = world(profiles, () => dead);
    const after = alone.replace('notify:', '  after: { needs: [marts], spark: { sql: marts.sql } }\nnotify:');
    const { state } = await run(await load(after));
    expect(state.steps.after?.ended).toMatchObject({ state: 'skipped', reason: 'upstream step marts failed' });
    expect(backend.submitted.some((key) => key.includes('after'))).toBe(false);
  });

  test('by a timeout is cancelled, confirmed, and counted as an attempt', async () => {
    const { run, backend } = world(profiles, (key) => (key.endsWith('-1') ? [{ state: 'running' }] : done));
    const { state } = await run(await load(alone.replace('    retry:', '    timeout: 1m\n    retry:')));
    expect(state.steps.marts?.attempts[0]?.failure?.kind).toBe('timed-out');
    expect(await backend.observe({ key: 'sluice-r1-marts-1', id: '' })).toEqual({ state: 'cancelled' });
    expect(state.ended?.state).toBe('succeeded');
  });

  test('whose rows do not reconcile is not published', async () => {
    const w = world(profiles);
    w.results.set('sluice-r1-marts-1', {
      inputs: [{ name: 'deliveries', read: 100, valid: 90, quarantined: 9, reasons: {} }],
    });
    const { state } = await w.run(await load(alone));
    expect(state.ended?.reason).toContain('deliveries: 100 rows read, but 90 valid + 9 quarantined');
    expect(w.publisher.published.size).toBe(0);
  });
});

describe('an unavailable gateway', () => {
  test('is waited for, without using up an attempt', async () => {
    const w = world(profiles);
    const backend = failing(w.backend, { observe: (n) => (n > 1 && n < 16 ? unavailable() : undefined) });
    Object.assign(w.ports, { backend });
    const { state, events } = await w.run(await load(alone));
    expect(state.ended?.state).toBe('succeeded');
    expect(state.steps.marts?.attempts).toHaveLength(1);
    expect(types(events).filter((type) => type === 'attempt-waiting')).toHaveLength(1);
    const back = events.find((event) => event.type === 'attempt-reached');
    expect(back?.waitedMs).toBeGreaterThan(10_000);
  });

  test('beyond the gateway timeout ends the attempt, and no other starts beside one that may be alive', async () => {
    const w = world(profiles);
    Object.assign(w.ports, { backend: failing(w.backend, { observe: unavailable }) });
    const { state } = await w.run(await load(alone));
    expect(state.steps.marts?.attempts.map((attempt) => attempt.failure?.kind)).toEqual(['gateway-unavailable']);
  });

  test('that lost the response to a submission is asked for the key, and nothing is submitted twice', async () => {
    const w = world(profiles);
    const lost = failing(w.backend, {});
    Object.assign(w.ports, {
      backend: {
        ...lost,
        async submit(job: never, key: string) {
          await w.backend.submit(job, key);
          throw new SluiceError('the connection broke', { kind: 'unknown-outcome' });
        },
      },
    });
    const { state } = await w.run(await load(alone));
    expect(state.ended?.state).toBe('succeeded');
    expect(w.backend.submitted).toEqual(['sluice-r1-marts-1']);
  });

  test('that refuses the job ends the attempt at once', async () => {
    const w = world(profiles);
    const refused = new SluiceError('Livy refused the batch (400): no such jar', { kind: 'rejected' });
    Object.assign(w.ports, { backend: failing(w.backend, { submit: () => refused }) });
    const { state } = await w.run(await load(alone));
    expect(state.steps.marts?.attempts.map((attempt) => attempt.failure?.kind)).toEqual(['gateway-rejected']);
  });

  test('and Spark that no longer know a batch are polled for a minute', async () => {
    const w = world(profiles);
    Object.assign(w.ports, {
      backend: { ...failing(w.backend, {}), observe: async () => ({ state: 'pending', unknown: true }) },
    });
    Object.assign(w.ports.workspace, { result: async () => undefined });
    const { state } = await w.run(await load(alone.replace('maximumAttempts: 3', 'maximumAttempts: 1')));
    const [attempt] = state.steps.marts?.attempts ?? [];
    expect(attempt?.failure?.kind).toBe('lost');
    expect((attempt?.ended?.at ?? 0) - (attempt?.startedAt ?? 0)).toBeGreaterThanOrEqual(60_000);
  });
});

describe('a run that is cancelled', () => {
  test('ends its Spark application first, confirmed, and names the person', async () => {
    const w = world(profiles, () => [{ state: 'running', applicationId: 'app-1' }]);
    const sleep = w.ports.sleep;
    let slept = 0;
    Object.assign(w.ports, {
      sleep: async (ms: number) => {
        await sleep(ms);
        slept += 1;
        if (slept === 5) await w.ports.store.request('r1', w.now, { type: 'cancel-requested', by: 'Ctrl-C' });
        w.wake();
      },
    });
    const { state, events } = await w.run(await load(alone));
    expect(state.ended).toMatchObject({ state: 'cancelled', reason: 'cancelled by Ctrl-C' });
    expect(await w.backend.observe({ key: 'sluice-r1-marts-1', id: '' })).toEqual({ state: 'cancelled' });
    const ends = types(events).filter((type) => type.endsWith('-ended'));
    expect(ends).toEqual(['attempt-ended', 'step-ended', 'run-ended']);
  });
});

describe('sources that cannot be measured', () => {
  test('because of a rejected error end the run with its message and kind', async () => {
    const w = world(profiles);
    Object.assign(w.ports.sourceReader, {
      profile: () => Promise.reject(new SluiceError('there is no table orders', { kind: 'rejected', hint: 'make it' })),
    });
    const { state } = await w.run(await load(alone));
    expect(state.ended).toMatchObject({
      state: 'failed',
      errorKind: 'rejected',
      reason: 'profiling failed: there is no table orders (make it)',
    });
  });
});

describe('a report', () => {
  test('that cannot be generated is reported and does not fail the run', async () => {
    const w = world(profiles);
    Object.assign(w.ports, { report: () => Promise.reject(new Error('"Orders": no such column')) });
    const { state } = await w.run(await load(alone.replace('notify:', 'report: { title: Shop }\nnotify:')));
    expect(state.ended?.state).toBe('succeeded');
    expect(state.report).toEqual({ problem: '"Orders": no such column' });
  });
});
