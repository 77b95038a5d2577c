import { describe, expect, test } from 'vitest';
import { Engine } from '../../controller/engine/engine.ts';
import { LeaseLostError } from '../../controller/engine/journal.ts';
import { good, load } from '../pipeline/files.ts';
import { profile } from '../planning/profiles.ts';
import { done, unavailable, type World, world } from './world.ts';

const profiles = { deliveries: profile(), orders: profile() };
const alone = good.replace('    fallback: poorer\n', '').replace(/ {2}poorer:\n.*\n/, '');
const steps = (text: string): string => alone.replace(/steps:[\s\S]*notify:/, `steps:\n${text}\nnotify:`);

describe('sources that do not respond', () => {
  const away = (tries: number) => {
    const w = world(profiles);
    let left = tries;
    const { profile: measured } = w.ports.sourceReader;
    const reader = {
      ...w.ports.sourceReader,
      profile: (...args: Parameters<typeof measured>) => {
        left -= 1;
        return left >= 0 ? Promise.reject(unavailable()) : measured(...args);
      },
    };
    return Object.assign(w, { ports: { ...w.ports, sourceReader: reader } });
  };
  const run = async (w: World, text: string) => {
    const { number, lease } = await w.ports.store.create({
      run: 'r1',
      pipeline: 'shop',
      at: w.now,
      events: [{ type: 'run-started', run: 'r1', pipeline: await load(text), file: 'f' }],
    });
    const engine = new Engine(number, lease, w.ports);
    return { engine, state: engine.execute() };
  };

  test('are waited for, and the run reports it at once and only once', async () => {
    const w = away(9);
    const { state } = await run(w, alone);
    expect((await state).ended?.state).toBe('succeeded');
    const events = (await w.ports.store.history('r1')).map(({ event }) => event);
    expect(events.slice(0, 5).map(({ type }) => type)).toEqual([
      'run-started',
      'measuring',
      'sources-waiting',
      'sources-reached',
      'sources-measured',
    ]);
  });

  test('are waited for no longer than the gateway timeout; then the run fails', async () => {
    const w = away(Number.POSITIVE_INFINITY);
    const { state } = await run(w, alone.replace('    outputs:', '    retry: { patience: 30s }\n    outputs:'));
    expect((await state).ended).toMatchObject({
      state: 'failed',
      errorKind: 'unavailable',
      reason: expect.stringContaining('ECONNREFUSED'),
    });
    expect(w.now - 1_000_000).toBeLessThan(60_000);
  });

  test('do not prevent the cancellation of the run', async () => {
    const w = away(Number.POSITIVE_INFINITY);
    const { engine, state } = await run(w, alone);
    while (!engine.state.waiting) await new Promise((resolve) => setImmediate(resolve));
    await w.ports.store.request('r1', w.now, { type: 'cancel-requested', by: 'Ctrl-C' });
    engine.wake(true);
    expect((await state).ended?.state).toBe('cancelled');
  });
});

describe('a source that accepts the connection and never responds', () => {
  const silent = () => {
    const w = world(profiles);
    return Object.assign(w, {
      ports: {
        ...w.ports,
        sourceReader: { ...w.ports.sourceReader, profile: () => new Promise<never>(() => undefined) },
      },
    });
  };
  const begun = async (w: World, assertLease?: () => Promise<void>) => {
    const event = { type: 'run-started', run: 'r1', pipeline: await load(alone), file: 'f' } as const;
    const { number, lease } = await w.ports.store.create({ run: 'r1', pipeline: 'shop', at: w.now, events: [event] });
    return new Engine(number, lease, w.ports, assertLease);
  };

  test('does not prevent the cancellation of the run', async () => {
    const w = silent();
    const engine = await begun(w);
    const state = engine.execute();
    await new Promise((resolve) => setImmediate(resolve));
    await w.ports.store.request('r1', w.now, { type: 'cancel-requested', by: 'Ctrl-C' });
    engine.wake(true);
    expect((await state).ended?.state).toBe('cancelled');
  });

  test('does not prevent the controller from closing', async () => {
    let left = false;
    const engine = await begun(silent(), async () => {
      if (left) throw new LeaseLostError('r1');
    });
    const state = engine.execute();
    await new Promise((resolve) => setImmediate(resolve));
    left = true;
    await expect(state).rejects.toThrow(LeaseLostError);
  });
});

describe('a cluster that does not report its resources', () => {
  const planned = async (tries: number) => {
    const w = world(profiles);
    let left = tries;
    const capacity = async () => {
      left -= 1;
      if (left >= 0) throw unavailable();
      return { cores: 16, largestMb: 65_536 };
    };
    Object.assign(w.ports, { backend: { ...w.ports.backend, capacity } });
    return (await w.run(await load(alone))).state.plan?.cluster;
  };

  test('for a moment is waited for, because it sizes the whole run', async () => {
    expect(await planned(3)).toEqual({ cores: 16, largestMb: 65_536 });
  });

  test('at all is assumed to have some, and the plan states that', async () => {
    expect(await planned(Number.POSITIVE_INFINITY)).toMatchObject({ assumed: expect.stringContaining('ECONNREFUSED') });
  });
});

describe('a step with a slow gateway', () => {
  const two = steps(
    '  slow: { spark: { sql: marts.sql }, timeout: 10s, retry: { maximumAttempts: 1 } }\n  quick: { spark: { sql: marts.sql } }',
  );
  /** A call for the slow step that takes an hour to respond. */
  const slowed = (call: 'cancel' | 'observe' | 'submit') => {
    const w = world(profiles, (key) => (key.includes('slow') && call === 'cancel' ? [{ state: 'running' }] : done));
    const inner = w.ports.backend[call].bind(w.ports.backend) as (...args: unknown[]) => Promise<never>;
    const answer = async (...args: unknown[]): Promise<never> => {
      const key = JSON.stringify(args);
      if (key.includes('slow')) {
        const until = w.now + 3_600_000;
        while (w.now < until) await new Promise((resolve) => setImmediate(resolve));
      }
      return inner(...args);
    };
    Object.assign(w.ports, { backend: { ...w.ports.backend, [call]: answer } });
    return w;
  };

  test.each(['cancel', 'observe', 'submit'] as const)('in %s does not delay other steps', async (call) => {
    const w = slowed(call);
    const { state } = await w.run(await load(two));
    const ended = (step: string): number => state.steps[step]?.ended?.at ?? 0;
    expect(state.steps.quick?.ended?.state).toBe('succeeded');
    expect(ended('slow') - ended('quick')).toBeGreaterThan(3_000_000);
  });

  test('in a publication does not delay the timeout of another step', async () => {
    const w = world(profiles, (key) =>
      key.includes('endless') ? [{ state: 'running', applicationId: 'app-1' }] : done,
    );
    const { publish } = w.ports.publisher;
    const slow: typeof publish = async (...args) => {
      const until = w.now + 3_600_000;
      while (w.now < until) await new Promise((resolve) => setImmediate(resolve));
      return publish(...args);
    };
    Object.assign(w.ports, { publisher: { ...w.ports.publisher, publish: slow } });
    const outputs = 'outputs: [{ parquet: out, views: [marts] }]';
    const { state } = await w.run(
      await load(
        steps(
          `  shown: { spark: { sql: marts.sql }, ${outputs} }\n  endless: { spark: { sql: marts.sql }, timeout: 10s, retry: { maximumAttempts: 1 } }`,
        ),
      ),
    );
    const [attempt] = state.steps.endless?.attempts ?? [];
    expect(attempt?.failure?.kind).toBe('timed-out');
    expect((attempt?.ended?.at ?? 0) - (attempt?.startedAt ?? 0)).toBeLessThan(30_000);
  });
});
