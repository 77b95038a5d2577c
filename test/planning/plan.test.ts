import { describe, expect, test } from 'vitest';
import { randomOf } from '../../controller/demo/random.ts';
import type { Cluster } from '../../controller/domain/plan.ts';
import { makePlan } from '../../controller/planning/plan.ts';
import { mebibytes, sizeJob } from '../../controller/planning/sizing.ts';
import { qualityScore } from '../../controller/planning/values.ts';
import { good, load } from '../pipeline/files.ts';
import { profile } from './profiles.ts';

const cluster = { cores: 2, largestMb: 8192 };
const plan = async (deliveries = profile(), orders = profile(), text = good) =>
  makePlan(await load(text), { profiles: { deliveries, orders }, findings: {} }, cluster, 0);

describe('the branch', () => {
  test('is the first whose condition holds, with the values in words', async () => {
    const { choice } = await plan(profile({ rows: 400_000 }), profile({ rows: 100_000 }));
    expect(choice.branch).toBe('full');
    expect(choice.reason).toBe('total.rows = 500000, and full requires total.rows >= 500000');
  });

  test('without a condition is taken because the others do not hold', async () => {
    const { choice } = await plan();
    expect(choice).toMatchObject({ branch: 'light', rejected: [{ branch: 'full' }] });
    expect(choice.reason).toBe('none of full holds: total.rows = 200, and full requires total.rows >= 500000');
  });

  test('without any step to run skips the run', async () => {
    const idle = good.replace('branch in ["full", "light"]', 'branch == "full"');
    expect((await plan(profile(), profile(), idle)).verdict).toBe('skip');
  });

  test('a whole number and a ratio can be compared with either kind of number', async () => {
    const text = good.replace('total.rows >= 500000', 'deliveries.invalid_ratio < 1 && total.rows > 0.5');
    expect((await plan(profile(), profile(), text)).choice.branch).toBe('full');
  });
});

describe('the checks', () => {
  test('a failed check with fail ends the run before its first step', async () => {
    const { verdict, reason } = await plan(profile({ rows: 0 }));
    expect(verdict).toBe('fail');
    expect(reason).toBe('check "arrived" failed: deliveries.rows = 0, expected deliveries.rows > 0');
  });

  test('quarantine and warn are reported and the run continues', async () => {
    const { verdict, verdicts } = await plan(
      profile({ rows: 0 }),
      profile(),
      good.replace('otherwise: fail', 'otherwise: warn'),
    );
    expect(verdict).toBe('go');
    expect(verdicts[0]).toMatchObject({ outcome: 'warn', because: 'deliveries.rows = 0' });
  });

  test('a column that the table lacks is named', async () => {
    const text = good.replace('deliveries.rows > 0', 'orders.nulls.user == 0');
    await expect(plan(profile(), profile({ nulls: { user_id: 0 } }), text)).rejects.toThrow(
      /orders.nulls.user == 0.*No such key: user/,
    );
  });
});

describe('quality', () => {
  test('is that of the worst source: its share of valid rows times their share without duplicate keys', () => {
    const dirty = profile({ rows: 1000, invalid: 100, duplicates: 90 });
    expect(qualityScore({ clean: profile(), dirty })).toBeCloseTo(0.9 * 0.9, 10);
  });

  test('is 1 without rows, and 0 without valid rows', () => {
    expect(qualityScore({ empty: profile({ rows: 0 }) })).toBe(1);
    expect(qualityScore({ bad: profile({ rows: 3, invalid: 3 }) })).toBe(0);
  });
});

describe('the roles of steps', () => {
  test('a fallback waits for the failure of the step that it replaces', async () => {
    expect((await plan()).steps).toMatchObject({ marts: { role: 'run' }, poorer: { role: 'fallback' } });
  });
});

describe('sizing', () => {
  const size = (rows: number, job: object = {}, on: Cluster = cluster) =>
    sizeJob({ sql: 'x', ...job }, { rows, bytes: rows * 60 }, on);

  test('gives every setting a reason', () => {
    expect(size(1e6).why).toEqual({
      executors: 'one worker: a JVM that has all its cores shuffles without a network',
      executorCores: 'the cluster has 2 free cores',
      executorMemory: '1024 MB and 10 times the input, 1 000 000 rows in 57 MB',
      driverMemory: 'results stay in the cluster; the driver only plans',
      partitions: 'one a core; 1 000 000 rows would need 2',
      profile: '1 000 000 rows is under 4 000 000',
      adaptive: '1 000 000 rows is under 4 000 000: adaptive replanning at each stage costs more than it saves',
      broadcast: 'a smaller table is sent to every executor: 1/64 of the driver’s 1g, and 10 MB at least',
    });
    expect(size(1e6, {}, { ...cluster, busy: true }).why.executorCores).toContain('busy');
  });

  test('a large job gets other settings than a small one, each with its reason', () => {
    const [small, large] = [size(1e5), size(1e7)];
    expect(small.settings).toMatchObject({
      partitions: 2,
      profile: 'quick',
      conf: { 'spark.sql.adaptive.enabled': 'false' },
    });
    expect(large.settings).toMatchObject({
      partitions: 20,
      profile: 'steady',
      conf: { 'spark.sql.adaptive.enabled': 'true' },
    });
    expect(large.why.partitions).toBe('10 000 000 rows at 500 000 each');
    expect(large.why.profile).toBe('10 000 000 rows is not under 4 000 000');
  });

  test('is monotone, within the cluster and never zero, for any load and cluster', () => {
    const random = randomOf(1, 'sizing');
    for (let i = 0; i < 2000; i++) {
      const largestMb = 512 + Math.floor(random() * 200_000);
      const workers = Array.from({ length: 1 + Math.floor(random() * 8) }, () => 1 + Math.floor(random() * 16));
      const several = { cores: workers.reduce((sum, own) => sum + own), workers };
      const on = { largestMb, ...(random() < 0.5 ? { cores: Math.floor(random() * 64) } : several) };
      const rows = Math.floor(10 ** (random() * 10));
      const [less, more] = [size(rows, {}, on).settings, size(rows * (1 + random() * 9), {}, on).settings];
      for (const { executors, executorCores, executorMemory, partitions } of [less, more]) {
        expect(executors * executorCores).toBeGreaterThan(0);
        expect(executors * executorCores).toBeLessThanOrEqual(Math.max(1, on.cores));
        expect(mebibytes(executorMemory)).toBeGreaterThan(0);
        expect(mebibytes(executorMemory)).toBeLessThanOrEqual(on.largestMb);
        expect(partitions).toBeGreaterThanOrEqual(executors * executorCores);
      }
      expect(mebibytes(more.executorMemory)).toBeGreaterThanOrEqual(mebibytes(less.executorMemory));
      expect(more.partitions).toBeGreaterThanOrEqual(less.partitions);
      expect(more.executors).toBeGreaterThanOrEqual(less.executors);
      expect(more.executorCores).toBe(less.executorCores);
    }
  });

  test('spreads a large job over the workers, and leaves a small one in one JVM', () => {
    const on = { cores: 24, workers: [8, 8, 8], largestMb: 32_768 };
    expect(size(1e6, {}, on).settings).toMatchObject({ executors: 1, executorCores: 5 });
    const { settings, why } = size(1e7, {}, on);
    expect(settings).toMatchObject({ executors: 2, executorCores: 5, partitions: 20 });
    expect(why.executors).toBe('two tasks of 500 000 rows for each of their 5 cores');
    expect(size(1e9, {}, on).settings.executors).toBe(3);
    expect(size(1e9, {}, on).why.executors).toBe('all that 3 workers have room for, with 5 cores each');
  });

  test('an executor that no worker could ever start ends the run before Spark', async () => {
    const on = { cores: 2, largestCores: 2, largestMb: 2560 };
    const loaded = await load(good);
    const asks = (settings: object) => {
      const { marts } = loaded.steps;
      const steps = { ...loaded.steps, marts: { ...marts, spark: { ...marts?.spark, ...settings } } };
      return makePlan(
        { ...loaded, steps } as never,
        { profiles: { deliveries: profile(), orders: profile() }, findings: {} },
        on,
        0,
      );
    };
    expect(asks({ executorMemory: '8g' })).toMatchObject({
      verdict: 'fail',
      reason: 'step marts: executor memory 8g exceeds the largest worker (2560 MB)',
    });
    expect(asks({ executorCores: 3 }).reason).toContain('3 executor cores exceed the largest worker (2 cores)');
    expect(asks({}).verdict).toBe('go');
  });

  test('settings of the pipeline take precedence, with that reason', () => {
    const job = {
      executors: 3,
      executorCores: 4,
      executorMemory: '1g',
      driverMemory: '512m',
      conf: { 'spark.sql.adaptive.enabled': 'true' },
    };
    const { settings, why } = size(1, job);
    expect(settings).toMatchObject(job);
    for (const name of [...Object.keys(job).filter((each) => each !== 'conf'), 'adaptive'])
      expect(why[name]).toBe('set in the pipeline');
  });
});
