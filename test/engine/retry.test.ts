import { describe, expect, test } from 'vitest';
import type { RunEvent } from '../../controller/domain/events.ts';
import type { Profiles } from '../../controller/domain/plan.ts';
import { cleanUp } from '../../controller/engine/janitor.ts';
import { good, load } from '../pipeline/files.ts';
import { profile } from '../planning/profiles.ts';
import { dead, done, type World, world } from './world.ts';

/** The size tells one measurement from another. */
const kept = (bytes: number) => ({
  ...profile({ bytes }),
  pin: { kind: 'csv', kept: { paths: ['/r1/inputs/a.parquet'], columns: [] } },
});
/** Two steps after each other, and one beside them. */
const file = good.replace(
  /steps:[\s\S]*notify:/,
  `steps:
  first: { spark: { sql: marts.sql }, outputs: [{ parquet: out/first, views: [a] }] }
  second: { needs: [first], spark: { sql: marts.sql }, outputs: [{ parquet: out/second, views: [b] }], retry: { maximumAttempts: 1 } }
  beside: { spark: { sql: marts.sql }, outputs: [{ parquet: out/beside, views: [c] }] }
notify:`,
);

/** A world with a run `r1` whose second step has failed; afterwards the sources have other rows, and all succeeds. */
async function failedWorld(): Promise<World> {
  let isBroken = true;
  const profiles: Record<string, Profiles[string]> = { deliveries: kept(100), orders: kept(10) };
  const made = world(profiles, (key) => (isBroken && key.includes('second') ? dead : done));
  const { state } = await made.run(await load(file));
  expect(state.ended).toMatchObject({ state: 'failed', reason: expect.stringContaining('second') });
  isBroken = false;
  profiles.deliveries = kept(999);
  return made;
}
const sizeOf = (events: readonly RunEvent[]): number | undefined => {
  const measured = events.find((event) => event.type === 'sources-measured');
  return measured?.profiles.deliveries?.measures.bytes;
};
const submitted = (events: readonly RunEvent[]): string[] =>
  events.flatMap((event) => (event.type === 'attempt-intended' ? [event.step] : []));

describe('a retry', () => {
  test('reads the rows of the run that it repeats, and makes a plan of its own', async () => {
    const made = await failedWorld();
    const { state, events } = await made.run(await load(file), 'r2', { run: 'r1' });
    expect(state.ended?.state).toBe('succeeded');
    expect([sizeOf(events), state.inputs]).toEqual([100, { of: 'r1' }]);
    expect(submitted(events).toSorted()).toEqual(['beside', 'first', 'second']);
  });

  test('from a step leaves the others as they are published, and its report counts all outputs', async () => {
    const made = await failedWorld();
    const before = new Map(made.publisher.published);
    const { state, events } = await made.run(await load(file), 'r2', { run: 'r1', fromStep: 'second' });
    expect(state.ended).toMatchObject({ state: 'succeeded' });
    expect(submitted(events)).toEqual(['second']);
    const changed = [...made.publisher.published].filter(([target, of]) => before.get(target)?.key !== of.key);
    expect(changed.map(([target]) => target)).toEqual(['out/second']);
    expect(state.steps.first).toMatchObject({
      attempts: [],
      ended: { reason: expect.stringMatching(/^computed by run r1: /) },
    });
    expect(await made.ports.store.find('r2')).toMatchObject({ rows: 21 });
  });

  test('measures again when another run has come since, and says why', async () => {
    const made = await failedWorld();
    await made.run(await load(file), 'r2');
    const { state, events } = await made.run(await load(file), 'r3', { run: 'r1' });
    expect(state.ended?.state).toBe('succeeded');
    expect([sizeOf(events), state.inputs]).toEqual([999, { of: 'r1', gone: 'run r2 has come since' }]);
  });

  test('measures again when that is asked for', async () => {
    const made = await failedWorld();
    const { events, state } = await made.run(await load(file), 'r2', { run: 'r1', fresh: true });
    expect([sizeOf(events), state.inputs]).toEqual([999, undefined]);
  });

  test('measures again when the snapshots are gone', async () => {
    const made = await failedWorld();
    Object.assign(made.ports.workspace, { adoptInputs: async () => undefined });
    const { events, state } = await made.run(await load(file), 'r2', { run: 'r1' });
    expect([sizeOf(events), state.inputs?.gone]).toEqual([999, 'the snapshots of run r1 are gone']);
  });

  test('from a step fails before it submits anything when the rows are gone, and names the way out', async () => {
    const made = await failedWorld();
    await made.run(await load(file), 'r2');
    const { state, events } = await made.run(await load(file), 'r3', { run: 'r1', fromStep: 'second' });
    expect(state.ended).toMatchObject({ state: 'failed', errorKind: 'rejected' });
    expect(state.ended?.reason).toMatch(/a retry cannot begin from step second: run r2 has come since/);
    expect(state.ended?.reason).toMatch(/sluice retry r1/);
    expect(submitted(events)).toEqual([]);
  });

  test('of a retry that failed, too, goes on from what both have published', async () => {
    const made = await failedWorld();
    let isBroken = true;
    const { ports } = made;
    const submit = ports.backend.submit.bind(ports.backend);
    const broken: typeof submit = (job, key) => {
      if (isBroken && key.includes('second')) throw new Error('broken');
      return submit(job, key);
    };
    Object.assign(ports, { backend: { ...ports.backend, submit: broken } });
    const second = await made.run(await load(file), 'r2', { run: 'r1', fromStep: 'second' });
    expect(second.state.ended?.state).toBe('failed');
    isBroken = false;
    const third = await made.run(await load(file), 'r3', { run: 'r2', fromStep: 'second' });
    expect(third.state.ended?.state).toBe('succeeded');
    expect(third.state.steps.first?.reused).toMatchObject({ from: 'r1' });
    expect(sizeOf(third.events)).toBe(100);
  });
});

describe('the rows of a failed run', () => {
  const cleaned = async (made: World): Promise<string[]> => {
    const removed: string[] = [];
    made.now += 61_000;
    const workspaceOf = (run: string) => ({
      ...made.ports.workspace,
      removeInputs: async () => void removed.push(run),
    });
    await cleanUp({ ...made.ports, workspaceOf });
    return removed.toSorted();
  };

  test('are kept until a later run with work has ended', async () => {
    const made = await failedWorld();
    expect(await cleaned(made)).toEqual([]);
    const skipped = file.replace(/branches:[\s\S]*?steps:/, 'branches: [{ name: none, if: "1 > 2" }]\nsteps:');
    expect((await made.run(await load(skipped), 'r2')).state.ended?.state).toBe('skipped');
    expect(await cleaned(made)).toEqual(['r2']);
    await made.run(await load(file), 'r3');
    expect(await cleaned(made)).toEqual(['r1', 'r3']);
  });

  test('are removed at once when a later run ended before it could be cleaned up', async () => {
    const made = await failedWorld();
    await made.run(await load(file), 'r2');
    expect(await cleaned(made)).toEqual(['r1', 'r1', 'r2']);
  });
});
