import { afterAll, afterEach, describe, expect, test } from 'vitest';
import type { Submission } from '../../../controller/domain/events.ts';
import { job } from '../../contract/jobs.ts';
import type { Fault } from '../../fakes/http.ts';
import { type FakeSpark, fakeSpark } from '../../fakes/spark.ts';

const open: FakeSpark[] = [];
const started = async (...options: Parameters<typeof fakeSpark>): Promise<FakeSpark> => {
  const spark = await fakeSpark(...options);
  open.push(spark);
  return spark;
};
const spark = await started();
const { livy, master } = spark;
afterEach(() => {
  livy.fault = master.fault = () => undefined;
});
afterAll(() => Promise.all(open.map((each) => each.close())));

let keys = 0;
const newKey = (): string => `sluice-faults-${++keys}`;
/** Injects a fault into the next request of this method only. */
const next = (method: string, fault: Fault): typeof livy.fault => {
  let used = false;
  return (question) => {
    if (used || question.method !== method) return undefined;
    used = true;
    return fault;
  };
};
const applicationsOf = (key: string) => master.applications.filter(({ name }) => name === key);
const state = (submission: Submission) => async () => (await spark.backend().observe(submission)).state;

describe('a submission with an unknown outcome', () => {
  test('was accepted when only its response was lost: it is found by its key, and a second submission starts nothing', async () => {
    const key = newKey();
    livy.fault = next('POST', 'lose-answer');
    const lost = spark.backend().submit(job('Short'), key);
    await expect(lost).rejects.toMatchObject({ kind: 'unknown-outcome' });
    await expect(lost).rejects.toThrow(/POST \/batches: the connection broke/);
    const found = await spark.backend().find(key);
    expect(found).toMatchObject({ key });
    expect(await spark.backend().submit(job('Short'), key)).toEqual(found);
    await expect.poll(state(found as Submission), { interval: 5 }).toBe('succeeded');
    expect(applicationsOf(key)).toHaveLength(1);
  });

  test.each<[string, Fault]>([
    ['the connection broke before it arrived', 'break'],
    ['500', { status: 500, body: { msg: 'no' } }],
    ['502 from a proxy', { status: 502, body: '<html>no upstream</html>' }],
  ])('was not taken, when %s: it is not found, and may be submitted again', async (_what, fault) => {
    const key = newKey();
    livy.fault = next('POST', fault);
    await expect(spark.backend().submit(job('Short'), key)).rejects.toMatchObject({ kind: 'unknown-outcome' });
    expect(await spark.backend().find(key)).toBeUndefined();
    const submission = await spark.backend().submit(job('Short'), key);
    await expect.poll(state(submission), { interval: 5 }).toBe('succeeded');
  });

  test('is the same as a second submission that overtook it', async () => {
    const key = newKey();
    livy.fault = next('POST', { delay: 30 });
    const [slow, quick] = await Promise.all([
      spark.backend().submit(job('Short'), key),
      spark.backend().submit(job('Short'), key),
    ]);
    expect(slow).toEqual(quick);
  });
});

describe('a submission that Livy refuses', () => {
  test('is reported in the words of Livy, and leaves no batch that occupies its name', async () => {
    const key = newKey();
    const refused = spark.backend({ jar: () => 'file:/elsewhere.jar' }).submit(job('Short'), key);
    await expect(refused).rejects.toMatchObject({ kind: 'rejected' });
    await expect(refused).rejects.toThrow(/\(400\): requirement failed: Local path \/elsewhere.jar cannot be added/);
    expect(await spark.backend().find(key)).toBeUndefined();
    expect(await spark.backend().submit(job('Short'), key)).toMatchObject({ key });
  });

  test('is retried when Livy has too many batches', async () => {
    const busy = await started();
    busy.livy.maxRunning = 0;
    await expect(busy.backend().submit(job('Short'), 'k')).rejects.toMatchObject({ kind: 'unavailable' });
    expect(await busy.backend().find('k')).toBeUndefined();
  });

  test('because of its login needs a fix of conf/', async () => {
    const secured = await started({ login: { user: 'sluice', password: 'secret' } });
    const stranger = secured.backend({ password: 'other' });
    await expect(stranger.submit(job('Short'), 'k')).rejects.toMatchObject({ kind: 'rejected' });
    await expect(stranger.find('k')).rejects.toMatchObject({
      kind: 'rejected',
      hint: 'check spark.livyUser and spark.livyPassword',
    });
    expect(await secured.backend().find('k')).toBeUndefined();
  });
});

test('a thousand batches are polled with one request', async () => {
  const backend = spark.backend();
  const all = Array.from({ length: 1000 }, (_, i) => ({ key: `missing-${i}`, id: '' }));
  await Promise.all(all.map((each) => backend.observe(each)));
  for (let looks = 1; looks <= 3; looks++) {
    await new Promise((resolve) => setTimeout(resolve, 110));
    livy.requests.length = 0;
    const seen = await Promise.all(all.map((each) => backend.observe(each)));
    expect(seen.every((each) => each.unknown)).toBe(true);
    expect(livy.requests).toEqual(['GET /batches?from=0&size=5000']);
  }
});

describe('an unavailable gateway', () => {
  test('refuses connections: every request reports it, and afterwards the batch is the same', async () => {
    const away = await started();
    const submission = await away.backend().submit(job('Long'), 'k');
    await away.livy.close();
    const backend = away.backend();
    const questions = [backend.submit(job('Short'), 'k2'), backend.find('k'), backend.observe(submission)];
    for (const { status, ...asked } of await Promise.allSettled(questions)) {
      expect(status).toBe('rejected');
      expect(asked).toMatchObject({ reason: { kind: 'unavailable' } });
      expect(asked).toMatchObject({ reason: { message: expect.stringMatching(/does not answer \(ECONNREFUSED\)/) } });
    }
    await away.livy.open();
    expect(await away.backend().find('k')).toEqual(submission);
    await expect.poll(async () => (await away.backend().observe(submission)).state, { interval: 5 }).toBe('running');
  });

  test('while only the Spark master is unavailable, the answer of Livy is enough; a batch unknown to Livy does not count as lost', async () => {
    const away = await started();
    const submission = await away.backend().submit(job('Short'), 'k');
    await away.master.close();
    await expect.poll(async () => (await away.backend().observe(submission)).state, { interval: 5 }).toBe('succeeded');
    await expect(away.backend().observe({ key: 'other', id: '9' })).rejects.toMatchObject({ kind: 'unavailable' });
  });

  test.each<[string, Fault, RegExp]>([
    ['HTML', { status: 200, body: '<html>Sign in</html>' }, /answered with no JSON: <html>Sign in/],
    ['502', { status: 502, body: 'no upstream' }, /answered with 502 no upstream/],
    ['half a JSON', { status: 200, body: '{"id": 0, "sta' }, /answered with no JSON: \{"id": 0, "sta/],
    [
      'half an answer',
      { status: 200, body: '{"id": 0}', headers: { 'content-length': '500' } },
      /the connection broke/,
    ],
    ['nothing at all', 'break', /the connection broke/],
  ])('answers %s: no state is made up from it', async (_what, fault, says) => {
    livy.fault = () => {
      if (typeof fault !== 'object' || !('headers' in fault)) return fault;
      // The rest of the announced body never arrives.
      return (response) =>
        void response.writeHead(fault.status, fault.headers).write(String(fault.body), () => response.destroy());
    };
    await expect(spark.backend().observe({ key: 'k', id: '0' })).rejects.toThrow(says);
  });
});

describe('a Livy that was killed and restarted', () => {
  const restarted = async (mainClass: string) => {
    const spark = await started();
    const submission = await spark.backend().submit(job(mainClass), 'k');
    await expect.poll(() => spark.master.applications.length, { interval: 5 }).toBe(1);
    await spark.livy.crash();
    await spark.livy.open();
    return { spark, submission };
  };

  test('has forgotten the batch and reuses its id: the batch is followed by its key, and the other batch is left alone', async () => {
    const { spark, submission } = await restarted('Long');
    const stranger = await spark.backend().submit(job('Long'), 'stranger');
    expect(stranger.id).toBe(submission.id);
    const [application] = spark.master.applications.filter(({ name }) => name === 'k');
    expect(await spark.backend().find('k')).toEqual({ key: 'k', id: application?.id });
    expect(await spark.backend().observe(submission)).toMatchObject({
      state: 'running',
      applicationId: application?.id,
    });
    await spark.backend().cancel(submission);
    expect(await spark.backend().observe(submission)).toMatchObject({ state: 'cancelled' });
    await expect.poll(async () => (await spark.backend().observe(stranger)).state, { interval: 5 }).toBe('running');
  });

  test('does not know how the batch ended: the Spark master decides', async () => {
    const { spark, submission } = await restarted('Short');
    const end = async () => (await spark.backend().observe(submission)).state;
    await expect.poll(end, { interval: 5 }).toBe('succeeded');
  });
});

describe('cancelling', () => {
  test('does not wait for the response to DELETE, which arrives when the driver has ended', {
    timeout: 20_000,
  }, async () => {
    const submission = await spark.backend().submit(job('Long'), newKey());
    await expect.poll(state(submission), { interval: 5 }).toBe('running');
    livy.fault = ({ method }) => (method === 'DELETE' ? 'silent' : undefined);
    await spark.backend().cancel(submission);
    expect(await state(submission)()).toMatch(/failed|cancelled/);
  });

  test('resolves only when the Spark master no longer lists the application as active', async () => {
    const submission = await spark.backend().submit(job('Short'), newKey());
    await expect.poll(state(submission), { interval: 5 }).toBe('succeeded');
    const left = master.register(submission.key);
    expect(await state(submission)()).toBe('running');
    await spark.backend().cancel(submission);
    expect(left.state).toBe('KILLED');
  });
});
