import { expect, test } from 'vitest';
import type { TriggerDriver } from '../../controller/adapters/drivers.ts';
import { everyTrigger } from '../../controller/adapters/triggers/every/driver.ts';
import { Scheduler } from '../../controller/app/triggers/scheduler.ts';
import type { LoadedPipeline } from '../../controller/pipeline/loader.ts';
import { memoryStore } from '../fakes/store.ts';

const hour = 3_600_000;
const start = Date.parse('2026-03-01T00:00:00Z');
const quiet = { entered: () => undefined, problem: () => undefined, clockStepped: () => undefined };

/** Lets looks go on as far as they can. */
async function rounds() {
  for (let i = 0; i < 100; i++) await new Promise((resolve) => setImmediate(resolve));
}

function withResolvers() {
  let resolve = (): void => undefined;
  const promise = new Promise<void>((each) => {
    resolve = each;
  });
  return { promise, resolve: () => resolve() };
}

test('triggers of all pipelines are looked at in turn, and one whose looks hang does not take all places', async () => {
  const seen: string[] = [];
  const { promise: hanging, resolve: free } = withResolvers();
  const driver: TriggerDriver = {
    ...everyTrigger,
    async poll(...args) {
      const { pipeline, trigger } = args[2];
      seen.push(`${pipeline} ${trigger}`);
      if (pipeline === 'a') await hanging;
      return everyTrigger.poll(...args);
    },
  };
  let now = start;
  const scheduler = new Scheduler({
    ...{ store: memoryStore(() => now), drivers: [driver], context: {} as never, monotonic: () => now - start },
    report: quiet,
  });
  const of = (pipeline: string) => {
    const each = { every: '1h', missed: 'last', within: '72h' };
    const triggers = Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`t${i}`, each]));
    return { file: 'f', text: '', pipeline: { name: pipeline, sources: {}, triggers } } as unknown as LoadedPipeline;
  };
  const pipelines = [of('a'), of('b'), of('c')];
  await scheduler.tick(pipelines);
  await rounds();
  expect(seen.slice(0, 6)).toEqual(['a t0', 'b t0', 'c t0', 'a t1', 'b t1', 'c t1']);
  // Those of b and c are through, though a holds what it has.
  for (let i = 0; i < 5; i++) {
    now += 1000;
    await scheduler.tick(pipelines);
    await rounds();
  }
  expect(seen.filter((each) => each.startsWith('a'))).toHaveLength(4);
  expect(seen.filter((each) => !each.startsWith('a'))).toHaveLength(40);
  free();
  await scheduler.idle();
  await scheduler.tick(pipelines);
  await scheduler.idle();
  expect(new Set(seen).size).toBe(60);
});

test("a look that was under way when the store's clock was set back is made again by the new clock", async () => {
  let now = start;
  let elapsed = 0;
  let polls = 0;
  const { promise: hanging, resolve: answer } = withResolvers();
  const driver: TriggerDriver = {
    ...everyTrigger,
    async poll(_trigger, known) {
      polls += 1;
      if (polls === 2) await hanging;
      return { firings: [], cursor: known.cursor, next: known.now + 10_000 };
    },
  };
  const scheduler = new Scheduler({
    ...{ store: memoryStore(() => now), drivers: [driver], context: {} as never, monotonic: () => elapsed },
    report: quiet,
  });
  const triggers = { t: { every: '1h', missed: 'last', within: '72h' } };
  const loaded = { file: 'p.yaml', text: '', pipeline: { name: 'p', sources: {}, triggers } };
  const seconds = async (n: number) => {
    for (let i = 0; i < n; i++) {
      now += 1000;
      elapsed += 1000;
      await scheduler.tick([loaded as unknown as LoadedPipeline]);
      await rounds();
    }
  };
  await seconds(12);
  expect(polls).toBe(2);
  now -= 3 * hour;
  await seconds(10);
  answer();
  await seconds(40);
  expect(polls).toBeGreaterThanOrEqual(5);
});
