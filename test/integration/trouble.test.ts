import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { gate } from './gate.ts';
import {
  applications,
  endless,
  folder,
  lastRun,
  login,
  mails,
  pidOf,
  project,
  query,
  type RunDocument,
  said,
  sluice,
  sluiceJson,
  smallPipeline,
  start,
  write,
} from './world.ts';

describe('a pipeline whose SQL names a missing column', () => {
  test('fails at once with exit code 1 and one mail with the relevant log line, and leaves the published tables', async () => {
    const file = await smallPipeline('broken');
    const first = await sluiceJson('run', file);
    expect(first.exitCode, first.stderr).toBe(0);
    const before = await query('SELECT * FROM broken.result ORDER BY id');

    await smallPipeline('broken', { sql: 'CREATE OR REPLACE TEMP VIEW result AS SELECT id, nope FROM small' });
    const { exitCode, doc } = await sluiceJson('run', file);
    expect(exitCode).toBe(1);
    expect(doc.state).toBe('failed');
    expect(doc.steps[0]?.attempts.map((attempt) => attempt.failure)).toEqual(['bad-sql']);
    const sent = await mails(doc.run);
    expect(sent).toHaveLength(1);
    expect(sent[0]?.text).toMatch(/UNRESOLVED_COLUMN.*`nope` cannot be resolved/);
    expect(sent[0]?.text).toContain('What was published before is unchanged.');
    expect(await query('SELECT * FROM broken.result ORDER BY id')).toEqual(before);
    expect(await readFile(join(folder, 'data/published/broken/current/result/_SUCCESS'), 'utf8')).toBe('');
    const staged = await query(
      `SELECT tablename FROM pg_tables WHERE schemaname = 'broken' AND tablename LIKE 'result\\_\\_%'`,
    );
    expect(staged).toEqual([]);
  });

  test('`logs` and `show` report it without Livy', async () => {
    const show = await sluice('show');
    expect(show.stdout).toMatch(/failed, bad-sql: while running the SQL: \[UNRESOLVED_COLUMN/);
    const logs = await sluice('logs');
    expect(logs.exitCode).toBe(0);
    expect(logs.stdout).toContain('nope');
  });
});

describe('a step with a fallback', () => {
  test('that always fails: the run is degraded, and the mail reports it', async () => {
    await write('sql/plain.sql', 'CREATE OR REPLACE TEMP VIEW result AS SELECT id, note FROM small');
    const file = await smallPipeline('falling', {
      sql: 'CREATE OR REPLACE TEMP VIEW result AS SELECT nope FROM small',
      step: '    fallback: plain',
      extra:
        '  plain:\n    spark: { sql: sql/plain.sql, executorMemory: 512m, driverMemory: 512m }\n    outputs:\n      - { postgres: shop, schema: falling, views: [result] }\n',
    });
    const { exitCode, doc } = await sluiceJson('run', file);
    expect(exitCode).toBe(0);
    expect(doc.state).toBe('degraded');
    expect(doc.steps.map((step) => [step.name, step.state])).toEqual([
      ['work', 'degraded'],
      ['plain', 'succeeded'],
    ]);
    expect(await query('SELECT id FROM falling.result ORDER BY id')).toEqual([{ id: 1 }, { id: 2 }, { id: 3 }]);
    const [mail] = await mails(doc.run);
    expect(mail?.subject).toBe('falling: the report is ready, with reservations');
    expect(mail?.text).toContain('completed by fallback plain');
  });
});

describe('Livy', () => {
  test('stopped for 15 s during a run: the run waits, reports it, and succeeds with the same application', async () => {
    const held = await gate();
    const file = await smallPipeline('waiting', { sql: held.sql });
    const run = start(['run', file]);
    await said(run, /app-\d+-\d+/);
    const livy = await pidOf('livy');
    process.kill(livy, 'SIGSTOP');
    await new Promise((resolve) => setTimeout(resolve, 15_000));
    process.kill(livy, 'SIGCONT');
    held.open();
    const { exitCode, stdout } = await run;
    expect(exitCode, String(stdout)).toBe(0);
    expect(stdout).toMatch(/waiting +work: http:\/\/127\.0\.0\.1:\d+.*no answer within 4 s/);
    expect(stdout).toMatch(/back +work: answered after/);
    const doc = await lastRun();
    expect(doc.steps[0]?.attempts).toHaveLength(1);
    expect(await applications(doc.steps[0]?.attempts[0]?.key ?? '')).toHaveLength(1);
  });

  test('killed and restarted without knowledge of the batch: the run continues by its key', async () => {
    const held = await gate();
    const file = await smallPipeline('forgotten', { sql: held.sql });
    const run = start(['run', file]);
    await said(run, /app-\d+-\d+/);
    process.kill(await pidOf('livy'), 'SIGKILL');
    const up = await sluice('up');
    expect(up.stdout).toContain('livy: started');
    held.open();
    const { exitCode, stdout } = await run;
    expect(exitCode, String(stdout)).toBe(0);
    const doc = await lastRun();
    expect(doc.steps[0]?.attempts).toHaveLength(1);
    expect(await applications(doc.steps[0]?.attempts[0]?.key ?? '')).toMatchObject([{ state: 'FINISHED' }]);
  });
});

describe('an application that is killed from outside', () => {
  test('is retried after its end is confirmed, and the result is published once', async () => {
    const held = await gate();
    const file = await smallPipeline('killed', { sql: held.sql });
    const run = start(['run', file]);
    await said(run, /app-\d+-\d+/);
    const { endpoints } = await project();
    const [{ run: name } = { run: '' }] = (await sluiceJson('runs', '--limit', '1')).doc as unknown as {
      run: string;
    }[];
    const [app] = await applications(`sluice-${name}-work-1`);
    await fetch(`${endpoints.sparkMaster}/app/kill/`, {
      method: 'POST',
      headers: await login(),
      body: new URLSearchParams({ id: app?.id ?? '', terminate: 'true' }),
      redirect: 'manual',
    });
    held.open();
    const { exitCode, stdout } = await run;
    expect(exitCode, String(stdout)).toBe(0);
    const doc = await lastRun();
    expect(doc.steps[0]?.attempts.map((attempt) => attempt.failure)).toEqual(['killed', null]);
    expect(stdout).toMatch(/retry +work: attempt 2 at \d\d:\d\d:\d\d UTC, because of killed/);
    expect(await query('SELECT count(*) AS n FROM killed.result')).toEqual([{ n: 3 }]);
  });
});

describe('ending a run early', () => {
  test('by Ctrl-C ends the Spark application first; exit code 130', async () => {
    const file = await smallPipeline('interrupted', { sql: endless });
    const run = start(['run', file, '--json']);
    await said(run, /app-\d+-\d+/);
    run.kill('SIGINT');
    const { exitCode, stdout } = await run;
    expect(exitCode).toBe(130);
    const doc = JSON.parse(String(stdout)) as RunDocument;
    expect(doc.state).toBe('cancelled');
    const apps = await applications(doc.steps[0]?.attempts[0]?.key ?? '');
    expect(apps.map((app) => app.active)).toEqual([false]);
    expect((await mails(doc.run)).map((mail) => mail.subject)).toEqual(['interrupted: the run was cancelled']);
  });

  test('by `sluice cancel` from another process', async () => {
    const file = await smallPipeline('cancelled', { sql: endless });
    const run = start(['run', file]);
    await said(run, /app-\d+-\d+/);
    const doc = await lastRun();
    const cancel = await sluice('cancel', doc.run);
    expect(cancel.exitCode, cancel.stderr).toBe(0);
    expect(cancel.stdout).toContain('cancelled');
    expect((await run).exitCode).toBe(1);
    expect((await applications(doc.steps[0]?.attempts[0]?.key ?? '')).map((app) => app.active)).toEqual([false]);
  });

  test('by its timeout', async () => {
    const file = await smallPipeline('late', {
      sql: endless,
      step: '    timeout: 12s\n    retry: { maximumAttempts: 1 }',
    });
    const { exitCode, doc } = await sluiceJson('run', file);
    expect(exitCode).toBe(1);
    expect(doc.steps[0]?.attempts[0]).toMatchObject({ failure: 'timed-out', message: 'timed out after 12s' });
    expect((await applications(doc.steps[0]?.attempts[0]?.key ?? '')).filter((app) => app.active)).toEqual([]);
  });
});

describe('a controller that is killed', () => {
  test('leaves a run that `resume` completes: the same application, one publication, one mail', async () => {
    const held = await gate();
    const file = await smallPipeline('resumed', { sql: held.sql });
    const run = start(['run', file]);
    await said(run, /app-\d+-\d+/);
    run.kill('SIGKILL');
    await run;
    const before = await lastRun();
    // At once, because its process is seen to be gone.
    const resuming = sluiceJson('resume', before.run);
    held.open();
    const resumed = await resuming;
    expect(resumed.exitCode, resumed.stderr).toBe(0);
    expect(resumed.doc.state).toBe('succeeded');
    const [attempt, ...others] = resumed.doc.steps[0]?.attempts ?? [];
    expect(others).toEqual([]);
    expect(attempt?.application).toBe(before.steps[0]?.attempts[0]?.application);
    expect(await applications(attempt?.key ?? '')).toHaveLength(1);
    expect(await mails(before.run)).toHaveLength(1);
  });
});

describe('an unavailable mail server', () => {
  test('delays the mail and does not fail the run; the next run sends it', async () => {
    const mailbox = await pidOf('mailbox');
    process.kill(mailbox, 'SIGTERM');
    const file = await smallPipeline('unmailed');
    const { exitCode, doc } = await sluiceJson('run', file);
    expect(exitCode).toBe(0);
    expect(doc.messages).toMatchObject([{ event: 'succeeded', state: 'waiting' }]);
    await sluice('up');
    expect(await mails(doc.run)).toEqual([]);
    await new Promise((resolve) => setTimeout(resolve, 5500));
    await sluice('run', file);
    expect(await mails(doc.run)).toHaveLength(1);
  });
});
