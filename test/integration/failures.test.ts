import { afterAll, describe, expect, test } from 'vitest';
import { gate } from './gate.ts';
import {
  applications,
  endless,
  lastRun,
  login,
  mails,
  otherProject,
  pause,
  pidOf,
  processesWith,
  project,
  type RunDocument,
  said,
  sluice,
  sluiceJson,
  smallPipeline,
  start,
  write,
} from './world.ts';

/** Each kind of failure, caused on the real cluster: its classification, the reaction, and the mail. */

const { endpoints } = await project();
const again = '    retry: { maximumAttempts: 3, initialInterval: 1s }';
const failuresOf = (doc: RunDocument) => doc.steps[0]?.attempts.map((attempt) => attempt.failure);

/** By the Spark master, every attempt's application had ended before the next one started. */
async function expectOneAtATime(doc: RunDocument): Promise<void> {
  const attempts = doc.steps[0]?.attempts ?? [];
  for (const [i, attempt] of attempts.entries()) {
    const apps = await applications(attempt.key);
    expect(apps.length, attempt.key).toBeLessThanOrEqual(1);
    expect(apps.every((app) => !app.active)).toBe(true);
    const next = attempts[i + 1];
    if (next) expect(Date.parse(next.started)).toBeGreaterThanOrEqual(Date.parse(attempt.ended ?? ''));
  }
}

async function expectMail(doc: RunDocument, ...telling: (string | RegExp)[]): Promise<void> {
  const sent = await mails(doc.run);
  expect(sent).toHaveLength(1);
  for (const line of telling) {
    if (typeof line === 'string') expect(sent[0]?.text).toContain(line);
    else expect(sent[0]?.text).toMatch(line);
  }
}

describe('memory that runs out', () => {
  test('in an executor: the second attempt has more memory, and succeeds', async () => {
    const file = await smallPipeline('oom-executor', {
      // One text that 512m have no room for: an executor whose heap fills up slowly collects garbage for a minute first.
      sql: `CREATE OR REPLACE TEMP VIEW big AS SELECT octet_length(repeat(cast(id AS string), 400000000)) AS n FROM range(1, 2, 1, 1);
            CREATE OR REPLACE TEMP VIEW result AS SELECT id, note, (SELECT n FROM big) AS n FROM small`,
      step: again,
    });
    const { exitCode, doc, stderr } = await sluiceJson('run', file);
    expect(exitCode, stderr).toBe(0);
    const attempts = doc.steps[0]?.attempts ?? [];
    expect(failuresOf(doc)).toEqual([...attempts.slice(1).map(() => 'out-of-memory'), null]);
    expect(attempts.length).toBeGreaterThan(1);
    const memory = attempts.map((attempt) => Number.parseInt(attempt.settings?.executorMemory ?? '', 10));
    expect(memory.slice(0, 2)).toEqual([512, 1024]);
    expect(stderr).toContain('with executor memory 1024m instead of 512m');
    await expectOneAtATime(doc);
    await expectMail(doc, 'The run succeeded');
  });

  test('in the driver: the second attempt has more memory there, and only there', async () => {
    const file = await smallPipeline('oom-driver', {
      sql: `CREATE OR REPLACE TEMP VIEW result AS SELECT id, note, (
              SELECT /*+ BROADCAST(b) */ sum(b.h) FROM range(10) a JOIN (SELECT id, hash(id) AS h FROM range(8000000)) b ON a.id = b.id
            ) AS n FROM small`,
      spark: 'executorMemory: 1g, driverMemory: 512m',
      step: '    retry: { maximumAttempts: 5, initialInterval: 1s }',
    });
    const { doc, stderr } = await sluiceJson('run', file);
    const attempts = doc.steps[0]?.attempts ?? [];
    expect(attempts[0]?.failure, stderr).toBe('out-of-memory');
    expect(attempts.map((attempt) => attempt.settings?.driverMemory).slice(0, 2)).toEqual(['512m', '1024m']);
    expect(new Set(attempts.map((attempt) => attempt.settings?.executorMemory))).toEqual(new Set(['1g']));
    expect(doc.state, stderr).toBe('succeeded');
    await expectOneAtATime(doc);
  });
});

describe('a lost executor', () => {
  test('that fails the job: it is retried with the same settings', async () => {
    const held = await gate();
    const file = await smallPipeline('lost-executor', {
      sql: held.sql,
      spark: 'executorMemory: 512m, driverMemory: 512m, conf: { spark.task.maxFailures: "1" }',
      step: again,
    });
    const running = start(['run', file, '--json']);
    await said(running, /app-\d+-\d+[\s\S]*tasks 0 of 2/);
    const attempt = async () => (await lastRun()).steps[0]?.attempts[0];
    const app = (await attempt())?.application ?? '';
    // Spark itself replaces an executor that dies between two tasks. So the test kills every new one until the job is
    // lost.
    while ((await attempt())?.ended === null) {
      for (const executor of await processesWith('java', 'CoarseGrainedExecutorBackend', app))
        process.kill(executor, 'SIGKILL');
      await pause(1000);
    }
    held.open();
    const doc = JSON.parse(String((await running).stdout)) as RunDocument;
    expect(failuresOf(doc)).toEqual(['lost-executor', null]);
    expect(doc.steps[0]?.attempts[0]?.message).toMatch(/ExecutorLostFailure/);
    await expectOneAtATime(doc);
  });

  test('with its worker, which comes back: Spark itself recovers, and the run continues', async () => {
    const held = await gate();
    const file = await smallPipeline('lost-worker', { sql: held.sql, step: again });
    const running = start(['run', file, '--json']);
    await said(running, /app-\d+-\d+/);
    process.kill(await pidOf('spark-worker'), 'SIGKILL');
    await sluice('up');
    held.open();
    const doc = JSON.parse(String((await running).stdout)) as RunDocument;
    expect(doc.state).toBe('succeeded');
    expect(doc.steps[0]?.attempts).toHaveLength(1);
    await expectOneAtATime(doc);
  });
});

describe('a driver that is killed', () => {
  test('is classified as killed, and retried once its end is confirmed', async () => {
    const held = await gate();
    const file = await smallPipeline('killed-driver', { sql: held.sql, step: again });
    const running = start(['run', file, '--json']);
    await said(running, /app-\d+-\d+[\s\S]*tasks 0 of 2/);
    const key = (await lastRun()).steps[0]?.attempts[0]?.key ?? '';
    const [driver] = await processesWith('java', 'SparkSubmit', key);
    process.kill(driver as number, 'SIGKILL');
    held.open();
    const doc = JSON.parse(String((await running).stdout)) as RunDocument;
    expect(failuresOf(doc)).toEqual(['killed', null]);
    expect(doc.steps[0]?.attempts[0]?.message).toBe('the driver was killed (its log ends abruptly)');
    await expectOneAtATime(doc);
  });

  test('on every attempt: the run fails, and the mail has the attempts and the log lines', async () => {
    const file = await smallPipeline('killed-twice', {
      sql: endless,
      step: '    retry: { maximumAttempts: 3, initialInterval: 1s, on: { killed: 2 } }',
    });
    const running = start(['run', file, '--json']);
    for (const attempt of [1, 2]) {
      await said(running, new RegExp(`attempt ${attempt}:[\\s\\S]*app-\\d+-\\d+`));
      const key = (await lastRun()).steps[0]?.attempts[attempt - 1]?.key ?? '';
      const [driver] = await processesWith('java', 'SparkSubmit', key);
      process.kill(driver as number, 'SIGKILL');
    }
    const doc = JSON.parse(String((await running).stdout)) as RunDocument;
    expect(failuresOf(doc)).toEqual(['killed', 'killed']);
    await expectMail(doc, 'the application was killed (killed)', 'Attempts: 2', /killed after 2 attempts/);
  });
});

describe('a failure that needs a manual fix is not retried, and the mail has the relevant log line', () => {
  test.each([
    [
      'bad-input',
      { sql: 'CREATE OR REPLACE TEMP VIEW result AS SELECT CAST(note AS int) AS id FROM small' },
      /CAST_INVALID_INPUT.*'one'/,
    ],
    [
      'missing-dependency',
      { spark: 'executorMemory: 512m, driverMemory: 512m, conf: { spark.serializer: no.such.Serializer }' },
      /ClassNotFoundException: no\.such\.Serializer/,
    ],
    [
      'bad-sql',
      { sql: 'CREATE OR REPLACE TEMP VIEW result AS SELECT id FROM nowhere' },
      /TABLE_OR_VIEW_NOT_FOUND.*`nowhere`/,
    ],
  ] as const)('%s', async (kind, options, telling) => {
    const file = await smallPipeline(`once-${kind}`, { ...options, step: again });
    const { exitCode, doc } = await sluiceJson('run', file);
    expect(exitCode).toBe(1);
    expect(failuresOf(doc)).toEqual([kind]);
    await expectMail(doc, `(${kind})`, telling);
  });

  test('gateway-rejected, and the batch that Livy leaves is removed', async () => {
    const elsewhere = await otherProject('refused-jar', (text) =>
      text.replace('spark: {}', 'spark: { jar: "file:///outside/of/the/whitelist.jar" }'),
    );
    const file = await smallPipeline('once-rejected', { step: again });
    const { exitCode, stdout } = await start(['run', file, '--json'], {}, elsewhere);
    expect(exitCode).toBe(1);
    const doc = JSON.parse(String(stdout)) as RunDocument;
    expect(failuresOf(doc)).toEqual(['gateway-rejected']);
    await expectMail(doc, 'the gateway to Spark refused the job (gateway-rejected)', /whitelist/);
    const left = await fetch(`${endpoints.livy}/batches/${doc.steps[0]?.attempts[0]?.key}`, {
      headers: await login(),
    });
    expect(left.status).toBe(404);
  });

  test('not-prepared: a table cannot be replaced, and nothing was submitted', async () => {
    await write('data/in-the-way', '');
    const file = await smallPipeline('once-unprepared', {
      step: '    retry: { maximumAttempts: 3 }',
      extra:
        '  other:\n    spark: { sql: sql/once-unprepared.sql }\n    outputs:\n      - { csv: data/in-the-way/nowhere, views: [result] }\n',
    });
    const { doc } = await sluiceJson('run', file);
    const other = doc.steps.find((step) => step.name === 'other');
    expect(other?.attempts.map((attempt) => attempt.failure)).toEqual(['not-prepared']);
    expect(await applications(other?.attempts[0]?.key ?? '')).toEqual([]);
    await expectMail(doc, '(not-prepared)', /data\/in-the-way\/nowhere cannot be written/);
  });
});

afterAll(async () => {
  await sluice('up');
});
