import { builtIn } from '../../controller/app/registry.ts';
import { pick, type Random } from '../../controller/demo/random.ts';
import type { Pipeline } from '../../controller/domain/pipeline.ts';
import { pipelineSchema } from '../../controller/pipeline/schema.ts';
import { startController } from './controller.ts';
import type { Weakness } from './weaknesses.ts';
import { beginning, type StoreOf, World } from './world.ts';

const minute = 60_000;

/**
 * Plays one schedule; the seed determines everything in it, including every crash. `settled` when all runs ended in
 * time.
 */
export async function simulate(
  seed: number,
  weakness: Weakness = {},
  storeOf?: StoreOf,
): Promise<{ readonly world: World; readonly settled: boolean }> {
  const world = new World(seed, startController, weakness, storeOf);
  const { random, time, store } = world;
  const shared = pipelineOf(random, 'shared');
  const runs = 1 + Math.floor(random() * 3);
  for (let i = 1; i <= runs; i++) {
    const run = `r${i}`;
    const pipeline = random() < 0.7 ? shared : pipelineOf(random, `own${i}`);
    world.runs.set(run, pipeline);
    time.at(random() * 8000, () => {
      const event = { type: 'run-started', run, pipeline, file: 'f' } as const;
      void store.create({ run, pipeline: pipeline.name, at: Math.round(beginning + time.now), events: [event] });
    });
    if (random() >= 0.12) continue;
    world.cancelled.add(run);
    time.at(8000 + random() * 20_000, () => {
      void store.request(run, Math.round(time.now), { type: 'cancel-requested', by: 'a user' });
    });
  }
  world.start();
  world.start();
  const faults = Math.floor(random() * 6);
  for (let i = 0; i < faults; i++) time.at(random() * 40_000, () => world.fault());

  let open = true;
  const look = async (): Promise<void> => {
    const summaries = await store.list({ limit: 10 });
    const mails = (await Promise.all(summaries.map(({ run }) => store.messages(run)))).flat();
    const left = summaries.some(({ ended }) => ended === undefined) || mails.some(({ state }) => state === 'waiting');
    open = left || (await store.pendingCleanup(0, 10)).length > 0;
  };
  const lookAgain = (): void => {
    void look();
    time.at(time.now + 1000, lookAgain);
  };
  time.at(9000, lookAgain);
  return { world, settled: await time.until(() => !open, 90 * minute) };
}

/** One Spark step, or several with a request between them. */
function pipelineOf(random: Random, name: string): Pipeline {
  const retry = {
    maximumAttempts: 20,
    initialInterval: '1s',
    maximumInterval: '4s',
    patience: '30m',
    on: { 'timed-out': 20 },
  };
  const spark = { retry, timeout: '2m', spark: { sql: 'x.sql', executorMemory: '1024m' } };
  const into = (step: string, views: string[]) => [{ parquet: `${name}/${step}`, views }];
  const steps: Record<string, object> = { work: { ...spark, outputs: into('work', ['a', 'b']) } };
  if (random() < 0.4) steps.second = { ...spark, needs: ['work'], outputs: into('second', ['c']) };
  if (random() < 0.3) steps.beside = { ...spark, outputs: into('beside', ['d']) };
  if (random() < 0.3) {
    steps.tell = { needs: ['work'], http: { url: 'http://api', method: 'POST' }, retry };
    steps.last = { ...spark, needs: ['tell'], if: 'steps.tell.body.ready' };
  }
  return pipelineSchema(builtIn).parse({
    name,
    sources: { orders: { postgres: 'shop', table: 'orders', key: 'id' } },
    branches: [{ name: 'all' }],
    steps,
    concurrency: pick(random, ['queue', 'parallel', 'skip', 'replace']),
    notify: ['a', 'b'].map((to) => ({
      email: `${to}@example.org`,
      on: ['succeeded', 'degraded', 'failed', 'skipped', 'cancelled'],
    })),
  });
}
