import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { postgresPasswordFile } from '../../controller/config/project.ts';
import { hasFile, sendAway, standingReady, withStandby } from './standbys.ts';
import {
  applications,
  lastRun,
  processesWith,
  project,
  query,
  type RunDocument,
  read,
  sluice,
  smallPipeline,
  start,
  write,
} from './world.ts';

/** A project whose Spark steps find a driver that stands ready. */
const home = (await project()).home;
const conf = await read('conf/connections.yaml');
beforeAll(() => write('conf/connections.yaml', withStandby(conf)));
afterAll(async () => {
  await write('conf/connections.yaml', conf);
  await sendAway();
});

const attempts = ({ steps }: RunDocument) => steps.flatMap((step) => step.attempts);

test('a step runs on the driver that stands ready, writes tables with its password, and the next one is started', async () => {
  const file = await smallPipeline('standing');
  const first = await sluice('run', file);
  expect(first.exitCode, first.stdout).toBe(0);
  const name = await standingReady();
  const second = await sluice('run', file);
  expect(second.exitCode, second.stdout).toBe(0);
  const run = await lastRun();
  expect(attempts(run)).toMatchObject([{ submission: name, state: 'succeeded' }]);
  expect(await query('SELECT count(*) AS n FROM standing.result')).toEqual([{ n: 3 }]);
  expect(existsSync(join(home, 'standby', name, 'secret'))).toBe(false);
  const settings = await readFile(join(home, 'standby', name, 'standby.json'), 'utf8');
  expect(settings).not.toContain((await readFile(postgresPasswordFile(home), 'utf8')).trim());
  expect(await standingReady()).not.toBe(name);
});

test('a controller that dies after it gave the job away is followed by one that finds it', async () => {
  const file = await smallPipeline('handed-over');
  const before = await sluice('run', file);
  expect(before.exitCode, before.stdout).toBe(0);
  const name = await standingReady();
  // The sixth write is that of the submission.
  await start(['run', file], { SLUICE_FAULT: 'before:6:kill' });
  const { run, steps } = await lastRun();
  expect(steps[0]?.attempts).toMatchObject([{ submission: null }]);
  expect(hasFile(name, 'job')).toBe(true);
  const resumed = await sluice('resume', run);
  expect(resumed.exitCode, resumed.stdout).toBe(0);
  const found = attempts(await lastRun());
  expect(found).toMatchObject([{ submission: name, state: 'succeeded' }]);
  // No application of its own was started beside it.
  expect(await applications(found[0]?.key ?? '')).toEqual([]);
  expect(await query('SELECT count(*) AS n FROM handed_over.result')).toEqual([{ n: 3 }]);
});

test('a driver that does not fit is sent away, and frees its cores', async () => {
  const before = await sluice('run', await smallPipeline('usual-size'));
  expect(before.exitCode, before.stdout).toBe(0);
  const name = await standingReady();
  const file = await smallPipeline('other-size', { spark: 'executorMemory: 600m, driverMemory: 600m' });
  const run = await sluice('run', file);
  expect(run.exitCode, run.stdout).toBe(0);
  expect(attempts(await lastRun())).toMatchObject([{ state: 'succeeded', submission: expect.stringMatching(/^\d+$/) }]);
  await expect.poll(() => processesWith(name), { timeout: 30_000 }).toEqual([]);
});
