import { describe, expect, test } from 'vitest';
import { telemetryOf } from '../../controller/app/telemetry.ts';
import { lineageDocument } from '../../controller/app/views/telemetry.ts';
import { channelOf } from '../../controller/domain/ports/notifier.ts';
import { fold, type RunState } from '../../controller/domain/state.ts';
import { Engine } from '../../controller/engine/engine.ts';
import type { Ports } from '../../controller/engine/ports.ts';
import { keyOfLineage, type LineageEvent } from '../../controller/telemetry/lineage.ts';
import { good, load } from '../pipeline/files.ts';
import { profile } from '../planning/profiles.ts';
import { toldAdapters } from '../telemetry/world.ts';
import { dead, done, world } from './world.ts';

/** The controller is gone. Code under test must not handle this as an error. */
class Crash extends Error {}

/** A port whose calls are counted with those of other ports. One call does not return, or is never made. */
function crashing<T extends object>(port: T, next: () => 'before' | 'after' | undefined): T {
  return new Proxy(port, {
    get(target, name) {
      const value = Reflect.get(target, name);
      // `staged` is computed locally, and no code relies on watching.
      if (typeof value !== 'function' || name === 'staged' || name === 'watchResult') return value;
      return async (...args: unknown[]) => {
        const when = next();
        if (when === 'before') throw new Crash();
        const result = await value.apply(target, args);
        if (when === 'after') throw new Crash();
        return result;
      };
    },
  });
}

const pipeline = good
  .replace('fallback: poorer', 'fallback: poorer\n    retry: { maximumAttempts: 2, initialInterval: 1s }')
  .replace('on: [failed]', 'on: [succeeded, degraded, failed]')
  .replace(
    '{ sql: marts.sql }\nnotify',
    '{ sql: marts.sql }\n    outputs:\n      - { parquet: out, views: [marts] }\nreport: { title: Shop }\nnotify',
  );

/** Runs with a controller that dies at its `n`th external call, and with later ones that may die, too. */
async function runWithCrashes(
  scriptOf: (key: string) => typeof done,
  crashAt: readonly number[],
  when: 'before' | 'after',
) {
  const w = world({ deliveries: profile(), orders: profile() }, scriptOf);
  const published: string[] = [];
  const { publisher } = w;
  const counted = {
    ...publisher,
    publish: async (...args: Parameters<typeof publisher.publish>) => {
      const before = publisher.published.get(args[0].target)?.key;
      const outputs = await publisher.publish(...args);
      const after = publisher.published.get(args[0].target)?.key;
      if (after !== undefined && after !== before) published.push(after);
      return outputs;
    },
  };
  const { number } = await w.ports.store.create({
    run: 'r1',
    pipeline: 'shop',
    at: w.now,
    events: [{ type: 'run-started', run: 'r1', pipeline: await load(pipeline), file: 'f' }],
  });

  const telemetry = telemetryOf(toldAdapters, 'r1') as NonNullable<Ports['telemetry']>;
  let rendering: Promise<unknown> = Promise.resolve();
  let calls = 0;
  let gone = false;
  const next = () => {
    if (gone) return 'before';
    calls += 1;
    gone = crashAt.includes(calls);
    return gone ? when : undefined;
  };
  for (let controller = 1; ; controller++) {
    await w.ports.store.heartbeat(`controller ${controller}`, 1);
    const lease = await w.ports.store.claim('r1', `controller ${controller}`);
    const outcome = async (state: RunState) => {
      const messages = (await w.ports.store.due()).map(({ message }) => message);
      return {
        ...{ state, calls, published, submitted: w.backend.submitted, controllers: controller },
        mails: messages.filter((each) => channelOf(each) === 'email'),
        told: messages.filter((each) => channelOf(each) !== 'email'),
        lineage: (await lineageDocument(toldAdapters, await w.ports.store.history('r1'))).events,
      };
    };
    // The previous controller died when everything was done.
    if (!lease) return outcome(fold(await w.ports.store.history('r1')));
    const ports: Ports = {
      ...w.ports,
      store: crashing(w.ports.store, next),
      backend: crashing(w.backend, next),
      publisher: crashing(counted, next),
      workspace: crashing(w.ports.workspace, next),
      telemetry: (change) => {
        const rendered = telemetry(change);
        rendering = rendered;
        return rendered;
      },
      // Reading SQL takes time of this machine, but none of the world's.
      sleep: async (ms, signal) => {
        await rendering;
        await w.ports.sleep(ms, signal);
      },
    };
    gone = false;
    try {
      const state = await new Engine(number, lease, ports).execute();
      return await outcome(state);
    } catch (error) {
      if (!(error instanceof Crash)) throw error;
      w.now += 2;
    }
  }
}

const byTime = (a: LineageEvent, b: LineageEvent): number =>
  `${a.eventTime} ${keyOfLineage(a)}` < `${b.eventTime} ${keyOfLineage(b)}` ? -1 : 1;

const scenarios = {
  'that goes well': {
    scriptOf: () => done,
    state: 'succeeded',
    submitted: ['marts-1'],
    published: ['marts-1'],
    told: ['START shop', 'START shop.marts', 'COMPLETE shop.marts', 'COMPLETE shop'],
  },
  'whose first attempt fails': {
    scriptOf: (key: string) => (key.endsWith('marts-1') ? dead : done),
    state: 'succeeded',
    submitted: ['marts-1', 'marts-2'],
    published: ['marts-2'],
    told: ['START shop', 'START shop.marts', 'COMPLETE shop.marts', 'COMPLETE shop'],
  },
  'that falls back': {
    scriptOf: (key: string) => (key.includes('marts') ? dead : done),
    state: 'degraded',
    submitted: ['marts-1', 'marts-2', 'poorer-1'],
    published: ['poorer-1'],
    told: [
      ...['START shop', 'START shop.marts', 'START shop.poorer'],
      ...['COMPLETE shop.poorer', 'COMPLETE shop.marts', 'COMPLETE shop'],
    ],
  },
  'that fails': {
    scriptOf: () => dead,
    state: 'failed',
    submitted: ['marts-1', 'marts-2', 'poorer-1', 'poorer-2', 'poorer-3'],
    published: [],
    told: [
      ...['START shop', 'START shop.marts', 'START shop.poorer'],
      ...['FAIL shop.poorer', 'FAIL shop.marts', 'FAIL shop'],
    ],
  },
};

describe.each(Object.entries(scenarios))('a run %s', (_name, { scriptOf, state, submitted, published, told }) => {
  test('ends the same, with one submission per attempt, one publication, and each message once, wherever its controller dies', {
    timeout: 120_000,
  }, async () => {
    const { calls } = await runWithCrashes(scriptOf, [], 'before');
    expect(calls).toBeGreaterThan(20);
    const keys = (names: readonly string[]) => names.map((name) => `sluice-r1-${name}`);
    for (let n = 1; n <= calls; n++) {
      for (const when of ['before', 'after'] as const) {
        // A second controller dies soon after the first.
        for (const crashes of [[n], [n, n + 3]]) {
          const run = await runWithCrashes(scriptOf, crashes, when);
          const where = `${when} call ${crashes}`;
          expect(run.controllers, where).toBeGreaterThan(1);
          expect(run.state.ended?.state, where).toBe(state);
          expect(run.submitted, where).toEqual(keys(submitted));
          expect(run.published, where).toEqual(keys(published));
          expect(run.mails, where).toHaveLength(1);
          for (const to of ['catalog', 'other']) {
            const events = run.told.filter((each) => each.to === to).map(({ body }) => body as LineageEvent);
            expect(
              events.map(({ eventType, job }) => `${eventType} ${job.name}`),
              where,
            ).toEqual(told);
            expect(events.toSorted(byTime), where).toEqual(run.lineage.toSorted(byTime));
          }
          expect(
            run.told.filter(({ channel }) => channel === 'otlp'),
            where,
          ).toHaveLength(1);
        }
      }
    }
  });
});
