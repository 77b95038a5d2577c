import { describe, expect, test } from 'vitest';
import { makePlan } from '../../controller/decide/plan.ts';
import { sizeJob } from '../../controller/decide/sizing.ts';
import { qualityScore } from '../../controller/decide/values.ts';
import { good, load } from '../pipeline/files.ts';
import { profile } from './profiles.ts';

const cluster = { cores: 2, executorMemory: '4g', largestMb: 8192 };
const plan = async (deliveries = profile(), orders = profile(), text = good) =>
  makePlan(await load(text), { deliveries, orders }, cluster);

describe('the branch', () => {
  test('is the first whose condition holds, with the values in words', async () => {
    const { choice } = await plan(profile({ rows: 400_000 }), profile({ rows: 100_000 }));
    expect(choice.branch).toBe('full');
    expect(choice.reason).toBe('total.rows = 500000, and full asks for total.rows >= 500000');
  });

  test('without a condition is taken because the others do not hold', async () => {
    const { choice } = await plan();
    expect(choice).toMatchObject({ branch: 'light', rejected: [{ branch: 'full' }] });
    expect(choice.reason).toBe('none of full holds: total.rows = 200, and full asks for total.rows >= 500000');
  });

  test('that no step wants skips the run', async () => {
    const idle = good.replace('branch in ["full", "light"]', 'branch == "full"');
    expect((await plan(profile(), profile(), idle)).verdict).toBe('skip');
  });

  test('a whole number and a ratio can be compared with either kind of number', async () => {
    const text = good.replace('total.rows >= 500000', 'deliveries.invalid_ratio < 1 && total.rows > 0.5');
    expect((await plan(profile(), profile(), text)).choice.branch).toBe('full');
  });
});

describe('the checks', () => {
  test('one that must not fail ends the run before its first step', async () => {
    const { verdict, reason } = await plan(profile({ rows: 0 }));
    expect(verdict).toBe('fail');
    expect(reason).toBe('check "arrived" failed: deliveries.rows = 0, expected deliveries.rows > 0');
  });

  test('quarantine and warn are told and go on', async () => {
    const { verdict, verdicts } = await plan(
      profile({ rows: 0 }),
      profile(),
      good.replace('otherwise: fail', 'otherwise: warn'),
    );
    expect(verdict).toBe('go');
    expect(verdicts[0]).toMatchObject({ outcome: 'warn', because: 'deliveries.rows = 0' });
  });

  test('a column that the table turns out not to have is named', async () => {
    const text = good.replace('deliveries.rows > 0', 'orders.nulls.user == 0');
    await expect(plan(profile(), profile({ nulls: { user_id: 0 } }), text)).rejects.toThrow(
      /orders.nulls.user == 0.*No such key: user/,
    );
  });
});

describe('quality', () => {
  test('is that of the worst source: its valid share times its share without repeated keys', () => {
    const dirty = profile({ rows: 1000, invalid: 100, duplicates: 90 });
    expect(qualityScore({ clean: profile(), dirty })).toBeCloseTo(0.9 * 0.9, 10);
  });

  test('of nothing is 1, and of nothing valid is 0', () => {
    expect(qualityScore({ empty: profile({ rows: 0 }) })).toBe(1);
    expect(qualityScore({ bad: profile({ rows: 3, invalid: 3 }) })).toBe(0);
  });
});

describe('the roles of steps', () => {
  test('a fallback waits for the step it stands in for', async () => {
    expect((await plan()).steps).toMatchObject({ marts: { role: 'run' }, poorer: { role: 'fallback' } });
  });
});

describe('sizing', () => {
  test('partitions grow with the rows and are never fewer than the cores', () => {
    const partitions = [0, 1e6, 1e7].map((rows) => sizeJob({ sql: 'x' }, rows, cluster).partitions);
    expect(partitions).toEqual([2, 2, 20]);
  });

  test('a small job gets the quick JVM, a large one the steady', () => {
    expect([1e6, 1e7].map((rows) => sizeJob({ sql: 'x' }, rows, cluster).profile)).toEqual(['quick', 'steady']);
  });

  test('what the pipeline says itself wins', () => {
    const job = { sql: 'x', executors: 3, executorCores: 4, executorMemory: '1g', driverMemory: '512m' };
    expect(sizeJob(job, 1, cluster)).toMatchObject({
      executors: 3,
      executorCores: 4,
      executorMemory: '1g',
      driverMemory: '512m',
    });
  });
});
