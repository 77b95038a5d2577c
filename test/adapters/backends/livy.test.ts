import type { ServerResponse } from 'node:http';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { linkOf } from '../../../controller/adapters/backends/livy/answers.ts';
import { sparkMaster } from '../../../controller/adapters/backends/livy/spark-master.ts';
import type { Submission } from '../../../controller/domain/events.ts';
import { classify } from '../../../controller/domain/failure.ts';
import { SluiceError } from '../../../controller/lib/errors.ts';
import { backendContract } from '../../contract/backend.ts';
import { job } from '../../contract/jobs.ts';
import type { Fault } from '../../fakes/http.ts';
import { fakeSpark } from '../../fakes/spark.ts';

const spark = await fakeSpark({ login: { user: 'sluice', password: 'se:cr%et' } });
const { livy, master, masterAddress } = spark;
const fresh = () => spark.backend();
const submission = { key: 'k', id: '0' };

afterEach(() => {
  livy.fault = () => undefined;
  master.fault = () => undefined;
});
afterAll(() => spark.close());

/** Answers every request, or those for one address, with this. */
const always =
  (lie: Fault | string, only?: string): typeof livy.fault =>
  ({ path }) =>
    only !== undefined && path !== only ? undefined : typeof lie === 'string' ? { status: 200, body: lie } : lie;

let keys = 0;
backendContract('Livy, before a false one', async () => ({
  backend: fresh(),
  short: job('Short'),
  long: job('Long'),
  failing: job('Failing'),
  newKey: (name) => `${name}-${++keys}`,
}));

test('a cancelled batch is not observed as running afterwards, for any number of polled batches', async () => {
  const backend = fresh();
  const all = await Promise.all([1, 2, 3].map(() => backend.submit(job('Long'), `followed-${++keys}`)));
  for (const { key } of [...all, ...all]) await backend.find(key);
  const states = async () => (await Promise.all(all.map((each) => backend.observe(each)))).map(({ state }) => state);
  await expect.poll(states, { interval: 5 }).toEqual(['running', 'running', 'running']);
  await backend.cancel(all[0] as Submission);
  expect((await backend.observe(all[0] as Submission)).state).toBe('cancelled');
});

/** The kind of error of a request; `none` when it succeeds. */
const kindOf = (question: Promise<unknown>): Promise<string> =>
  question.then(
    () => 'none',
    (error: unknown) => (error instanceof SluiceError ? error.kind : `no error of ours: ${error}`),
  );

const lies = [
  '{}',
  '[]',
  'null',
  '1',
  '"text"',
  '{"sessions":[null]}',
  '{"id":"0","name":"k","state":"running"}',
  '{"id":-1,"name":"k","state":"running"}',
  '{"id":0,"name":7,"state":"running"}',
  '{"id":0,"name":"k"}',
  '{"id":0,"name":"k","state":null}',
  `${'['.repeat(5000)}${']'.repeat(5000)}`,
].map((lie) => [lie.slice(0, 40), lie] as const);

describe('an invalid batch', () => {
  test.each(lies)('with state %s: Livy counts as unavailable', async (_what, lie) => {
    livy.fault = always(lie);
    expect(await kindOf(fresh().find('k'))).toBe('unavailable');
    expect(await kindOf(fresh().observe(submission))).toBe('unavailable');
    expect(await kindOf(fresh().logs(submission))).toBe('unavailable');
  });

  test.each(lies)('%s as the response to a submission leaves its outcome unknown', async (_what, lie) => {
    livy.fault = always({ status: 201, body: lie }, '/batches');
    const kind = await kindOf(fresh().submit(job('Short'), 'k'));
    expect(kind).toBe(/"id":0/.test(lie) ? 'none' : 'unknown-outcome');
  });
});

test.each(['constructor', '__proto__', 'toString', 'hibernating'])(
  'an unknown state (%s) means that the batch is running',
  async (state) => {
    livy.fault = always({ status: 200, body: { id: 0, name: 'k', state } }, '/batches/k');
    expect(await fresh().observe(submission)).toEqual({ state: 'running' });
  },
);

test('a dead batch whose application was killed at the master is described by both', async () => {
  const key = `killed-${++keys}`;
  master.register(key).state = 'KILLED';
  livy.fault = always({ status: 200, body: { id: 0, name: key, state: 'dead' } }, `/batches/${key}`);
  const { state, detail } = await fresh().observe({ key, id: '0' });
  expect([state, detail]).toEqual(['failed', 'Livy says dead, the Spark master says KILLED']);
  expect(classify({ log: [], detail }).kind).toBe('killed');
});

test.each([
  '{"workers":[],"activeapps":[null],"completedapps":[]}',
  '{"workers":[],"activeapps":{},"completedapps":[]}',
  '{"workers":[],"activeapps":"x","completedapps":[]}',
  '{"workers":[{}],"activeapps":[],"completedapps":[]}',
  '{"workers":[],"activeapps":[{"id":"../x","name":"k","state":"RUNNING"}],"completedapps":[]}',
])('an invalid page of a Spark master counts as unavailable: %s', async (lie) => {
  master.fault = always(lie, '/json/');
  expect(await kindOf(sparkMaster(masterAddress).application('k'))).toBe('unavailable');
  expect(await kindOf(sparkMaster(masterAddress).capacity())).toBe('unavailable');
});

describe('an endless response', () => {
  const endless = (response: ServerResponse): void => {
    const chunk = Buffer.alloc(1 << 20, ' ');
    const more = (): void => {
      while (!response.destroyed && response.write(chunk));
    };
    response.on('drain', more);
    more();
  };

  test('is not read completely', async () => {
    master.fault = always(endless);
    await expect(sparkMaster(masterAddress).capacity()).rejects.toThrow(/the answer is longer than 16 MiB/);
  });

  test('is not decompressed completely', async () => {
    const bomb = gzipSync(Buffer.alloc(64 << 20, ' '));
    master.fault = always((response) => void response.writeHead(200, { 'content-encoding': 'gzip' }).end(bomb));
    await expect(sparkMaster(masterAddress).capacity()).rejects.toThrow(/the answer is longer than 16 MiB/);
  });
});

test('a link is a web address, or undefined', async () => {
  const withLink = (sparkUiUrl: unknown) => {
    const body = { id: 0, name: 'k', state: 'running', appId: 'application_1_2', appInfo: { sparkUiUrl } };
    livy.fault = always({ status: 200, body }, '/batches/k');
    return fresh().observe(submission);
  };
  expect(await withLink('http://driver:4040')).toEqual({
    state: 'running',
    applicationId: 'application_1_2',
    ui: 'http://driver:4040/',
  });
  for (const bad of ['javascript:alert(1)', 'file:///etc/passwd', 'no address', 7, null])
    expect(await withLink(bad)).not.toHaveProperty('ui');
  expect(linkOf('https://host/\u001b]0;t\u0007/')).toBe('https://host/%1B]0;t%07/');
});

test('a message of a server cannot move the cursor', async () => {
  livy.fault = always({ status: 500, body: '\u001b[2K\rall fine\u0007' });
  await expect(fresh().find('k')).rejects.toThrow(/500 \\u001b\[2K\\u000dall fine\\u0007/);
});
