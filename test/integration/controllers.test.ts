import { describe, expect, test } from 'vitest';
import { begin, expectOnce, untilEnded } from './expectations.ts';
import { gate } from './gate.ts';
import {
  applications,
  lastRun,
  mails,
  otherProject,
  pause,
  pidOf,
  query,
  type RunDocument,
  said,
  sluice,
  sluiceJson,
  smallPipeline,
  start,
} from './world.ts';

const csvOnly = (name: string): string => `      - { csv: data/published/${name}, views: [result] }`;

describe('two controllers', () => {
  test('one stopped past its lease and resumed: the other takes over within the lease, and the resumed one follows', async () => {
    const held = await gate();
    const file = await smallPipeline('given-way', { sql: held.sql });
    const first = begin(['run', file]);
    await said(first, /app-\d+-\d+/);
    const { run } = await lastRun();
    const serving = begin(['serve']);
    await said(serving, /controller process .* started/);
    const stopped = Date.now();
    first.kill('SIGSTOP');
    await said(serving, new RegExp(`"run":"${run}".*took over the run of process ${first.pid}`));
    const took = Date.now() - stopped;
    // The lease lasts 8 s, and workers search once a second.
    expect(took).toBeLessThan(12_000);
    first.kill('SIGCONT');
    await said(first, /lease lost: process \d+ on .* took over run/);
    held.open();
    const { exitCode, stdout } = await first;
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/run +succeeded/);
    await expectOnce(await untilEnded(run), 'given_way');
    serving.kill('SIGINT');
    const left = await serving;
    expect(left.exitCode).toBe(0);
    expect(String(left.stdout)).toContain('no runs in progress');
  });

  test('one killed, another started 35 s later: the healthy batch continues to its end', async () => {
    const held = await gate();
    const file = await smallPipeline('late-successor', { sql: held.sql });
    const first = begin(['run', file]);
    await said(first, /app-\d+-\d+/);
    const before = await lastRun();
    first.kill('SIGKILL');
    await first;
    await pause(35_000);
    const serving = begin(['serve']);
    await said(serving, new RegExp(`"run":"${before.run}".*took over the run of`));
    held.open();
    const doc = await untilEnded(before.run);
    expect(doc.steps[0]?.attempts[0]?.application).toBe(before.steps[0]?.attempts[0]?.application);
    await expectOnce(doc, 'late_successor');
    serving.kill('SIGINT');
    await serving;
  });

  test('one killed beside another on the same machine: the other notices it long before the lease expires', async () => {
    const serving = begin(['serve']);
    await said(serving, /controller process .* started/);
    const held = await gate();
    const file = await smallPipeline('seen-dead', { sql: held.sql });
    const first = begin(['run', file]);
    await said(first, /app-\d+-\d+/);
    const { run } = await lastRun();
    const killed = Date.now();
    first.kill('SIGKILL');
    await said(serving, new RegExp(`"run":"${run}".*took over the run of`));
    expect(Date.now() - killed).toBeLessThan(8000);
    held.open();
    await expectOnce(await untilEnded(run), 'seen_dead');
    serving.kill('SIGINT');
    await serving;
  });

  test('a detached run waits for a controller; runs of one pipeline run one after the other', async () => {
    const held = await gate();
    const file = await smallPipeline('in-line', { sql: held.sql });
    const [a, b] = [await sluiceJson('run', file, '--detach'), await sluiceJson('run', file, '--detach')];
    expect(a.doc.state).toBe('pending');
    const serving = begin(['serve']);
    await said(serving, new RegExp(`"run":"${a.doc.run}".*app-\\d+-\\d+`));
    held.open();
    const [first, second] = [await untilEnded(a.doc.run), await untilEnded(b.doc.run)];
    expect([first.state, second.state]).toEqual(['succeeded', 'succeeded']);
    const ended = Date.parse(first.steps[0]?.attempts.at(-1)?.ended ?? '');
    expect(Date.parse(second.steps[0]?.attempts[0]?.started ?? '')).toBeGreaterThanOrEqual(ended);
    expect((await sluice('show', second.run)).stdout).toMatch(new RegExp(`queued +behind ${first.run}`));
    serving.kill('SIGINT');
    await serving;
  });
});

describe('the run store', () => {
  test('killed during a run and restarted: the run waits for it, reports that, and ends with one application', async () => {
    const held = await gate();
    const file = await smallPipeline('store-away', { sql: held.sql, outputs: csvOnly('store-away') });
    const running = begin(['run', file, '--json']);
    await said(running, /app-\d+-\d+/);
    const key = (await lastRun()).steps[0]?.attempts[0]?.key ?? '';
    process.kill(await pidOf('postgres'), 'SIGKILL');
    // Longer than the lease.
    await pause(10_000);
    held.open();
    // Spark has finished with the database by then; only the end of the attempt cannot be stored.
    while ((await applications(key)).some((app) => app.active)) await pause(300);
    await pause(2000);
    await sluice('up');
    const { stdout, stderr, exitCode } = await running;
    expect(exitCode, String(stderr)).toBe(0);
    const doc = JSON.parse(String(stdout)) as RunDocument;
    expect(doc.state).toBe('succeeded');
    expect(doc.steps[0]?.attempts).toHaveLength(1);
    expect(await mails(doc.run)).toHaveLength(1);
    expect((await sluice('show', doc.run)).stdout).toMatch(/store +was unavailable for|lost its lease and resumed/);
  });

  test('full at an event: the run waits until there is space', async () => {
    const held = await gate();
    const file = await smallPipeline('store-full', { sql: held.sql });
    const running = begin(['run', file, '--json']);
    await said(running, /submitted/);
    await query(
      `CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$
         BEGIN RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = '53100'; END $$;
       CREATE TRIGGER full_disk BEFORE INSERT ON events EXECUTE FUNCTION full_disk()`,
      'sluice',
    );
    await said(running, /the run store is unavailable.*is out of disk or connections: could not extend file/);
    await pause(2000);
    await query('DROP FUNCTION full_disk() CASCADE', 'sluice');
    held.open();
    const { stdout, exitCode } = await running;
    expect(exitCode).toBe(0);
    await expectOnce(JSON.parse(String(stdout)) as RunDocument, 'store_full');
  });

  test('of a newer schema version is refused, and so is a missing one', async () => {
    const file = await smallPipeline('store-newer');
    await query('INSERT INTO schema_version VALUES (999)', 'sluice');
    const newer = await sluice('run', file);
    await query('DELETE FROM schema_version WHERE version = 999', 'sluice');
    expect(newer.exitCode).toBe(2);
    expect(newer.stderr).toContain('the run store is of schema version 999');
    const elsewhere = await otherProject('no-store', (text) =>
      text.replace('store: { database: sluice }', 'store: { url: "postgres://sluice@127.0.0.1:1/sluice" }'),
    );
    const away = await start(['runs'], {}, elsewhere);
    expect(away.exitCode).toBe(3);
    expect(away.stderr).toContain('cannot be reached');
  });
});

describe('a controller that dies between any two of its durable writes', () => {
  test('leaves a run that the next controller completes correctly', async () => {
    // Each of the first twelve writes of a run: start, measures, plan, intent, submission, application, end,
    // publication, step, end of the run, mail.
    for (const [nth, when] of [
      [2, 'after'],
      [4, 'before'],
      [4, 'after'],
      [6, 'after'],
      [8, 'before'],
      [10, 'before'],
    ] as const) {
      const name = `fault-${nth}-${when}`;
      const file = await smallPipeline(name);
      const first = begin(['run', file], { SLUICE_FAULT: `${when}:${nth}:kill` });
      expect((await first).signal, name).toBe('SIGKILL');
      const { run } = await lastRun();
      const { exitCode, stderr } = await sluice('resume', run);
      expect(exitCode, `${name}: ${stderr}`).toBe(0);
      await expectOnce((await sluiceJson('show', run)).doc, name.replaceAll('-', '_'));
    }
  });
});
