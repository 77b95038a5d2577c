import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { describe, expect, test } from 'vitest';
import { oracle } from './oracle.ts';
import { applications, folder, mails, project, query, type RunDocument, sluice, sluiceJson } from './world.ts';

const file = 'conf/pipelines/customer-report.yaml';
const views = ['order_mart', 'customer_mart', 'marketing_summary'];

async function made(...args: string[]): Promise<{ rows: Record<string, number>; planted: Record<string, number> }> {
  const { exitCode, doc, stderr } = await sluiceJson('demo-data', ...args);
  expect(exitCode, stderr).toBe(0);
  return doc as never;
}

function reconciles({ sources, steps }: RunDocument): void {
  for (const [name, source] of Object.entries(sources)) {
    expect(source.rows, name).toBe(source.valid + source.quarantined);
    const read = steps
      .flatMap((step) => step.attempts)
      .flatMap((attempt) => attempt.read)
      .find((input) => input.name === name);
    expect(read, name).toMatchObject({ read: source.rows, valid: source.valid, quarantined: source.quarantined });
  }
}

describe.each([
  { seed: '1', rows: 100_000, dirt: [] },
  {
    seed: '2',
    rows: 30_000,
    dirt: ['--invalid', '0.02', '--tricky', '0.1', '--duplicates', '0.04', '--out-of-order', '0.2'],
  },
  { seed: '3', rows: 20_000, dirt: ['--unpaid', '0.4', '--orphans', '0.2', '--idle', '0.6', '--invalid', '0.04'] },
])('customer-report on $rows rows of seed $seed', ({ seed, rows, dirt }) => {
  let doc: RunDocument;

  test('takes branch light, reconciles every source, and finds exactly the injected defects', async () => {
    const data = await made('--rows', String(rows), '--seed', seed, ...dirt);
    const run = await sluiceJson('run', file);
    expect(run.exitCode, run.stderr).toBe(0);
    doc = run.doc;
    expect(doc).toMatchObject({ state: 'succeeded', branch: 'light' });
    expect(Object.values(doc.sources).reduce((sum, source) => sum + source.rows, 0)).toBe(rows);
    reconciles(doc);
    expect(doc.sources.deliveries?.quarantined).toBe(data.planted['invalid deliveries']);
    expect(doc.sources.order_events?.duplicates).toBe(data.planted['events sent twice']);
    expect(doc.outputs.map((output) => [output.kind, output.view])).toEqual([
      ...views.map((view) => ['parquet', view]),
      ...views.map((view) => ['postgres', view]),
    ]);
  });

  test('computes the marts that DuckDB computes from the same data', async () => {
    const { mismatches, close } = await oracle('spark-jobs/sql/order_changes.sql', 'spark-jobs/sql/customer_marts.sql');
    for (const view of views) {
      const found = await mismatches(view, join(folder, 'data/published/customer-report/current', view));
      expect(found, view).toMatchObject({ missing: 0, surplus: 0 });
      expect(found.rows, view).toBeGreaterThan(0);
      const [table] = await query(`SELECT count(*) AS n FROM marts.${view}`);
      expect(table?.n).toBe(found.rows);
    }
    await close();
    const [sums] = await query(
      'SELECT sum(revenue_rub) AS customers, (SELECT sum(paid_rub) FROM marts.order_mart) AS orders FROM marts.customer_mart',
    );
    expect(sums?.customers).toBe(sums?.orders);
  });

  test('writes a report and sends one mail about it', async () => {
    const page = await readFile(doc.report?.file ?? '', 'utf8');
    expect(page).toContain('<h1>Customer report</h1>');
    expect(page.match(/<svg/g)).toHaveLength(4);
    const sent = await mails(doc.run);
    expect(sent.map((mail) => [mail.to, mail.subject])).toEqual([
      ['marketing@example.org', 'customer-report: the report is ready'],
    ]);
    expect(sent[0]?.text).toMatch(/Orders: [\d\u00a0]+\n/);
    expect(sent[0]?.text).toContain('Branch: light');
  });

  test('leaves no password where other users could read it', async () => {
    const { home } = await project();
    const secret = (await readFile(join(home, 'secrets', 'postgres'), 'utf8')).trim();
    const { stdout } = await execa(
      'grep',
      [
        '-rlF',
        secret,
        join(home, 'runs'),
        join(home, 'logs'),
        join(home, 'data', 'spark-events'),
        join(home, 'data', 'mailbox'),
      ],
      { reject: false },
    );
    expect(stdout).toBe('');
    const [kept] = await query(`SELECT count(*) AS n FROM events WHERE body::text LIKE '%${secret}%'`, 'sluice');
    expect(kept?.n).toBe(0);
  });
});

describe('the other branches', () => {
  test('without a new row nothing is submitted, and the run is skipped', async () => {
    const { exitCode, doc } = await sluiceJson('run', file);
    expect(exitCode).toBe(0);
    expect(doc).toMatchObject({ state: 'skipped', branch: 'nothing-new', outputs: [], messages: [] });
    expect(doc.reason).toBe('total.new = 0, and nothing-new requires total.new == 0');
    expect(doc.steps.flatMap((step) => step.attempts)).toEqual([]);
    expect(await applications(`sluice-${doc.run}-marts-1`)).toEqual([]);
  });

  test('`plan` reports the same without a run, and what --full-refresh would do', async () => {
    const before = (await sluiceJson('runs')).doc as unknown as object[];
    const skip = await sluice('plan', file);
    expect(skip.exitCode).toBe(0);
    expect(skip.stdout).toContain('A run now: nothing is submitted');
    const full = await sluice('plan', file, '--full-refresh');
    expect(full.stdout).toMatch(/A run now: 1 to run, 1 fallback, 1 skipped/);
    expect(full.stdout).toMatch(/deliveries-\d+\.csv:\d+: /);
    expect((await sluiceJson('runs')).doc).toEqual(before);
  });

  test('data with many defects takes branch repair: the rows to repair are published, the mail reports them, the marts stay', async () => {
    const [before] = await query('SELECT key, published_at FROM marts.sluice_publication LIMIT 1');
    const data = await made('--rows', '20000', '--seed', '4', '--invalid', '0.2');
    const { exitCode, doc } = await sluiceJson('run', file);
    expect(exitCode).toBe(0);
    expect(doc).toMatchObject({ state: 'succeeded', branch: 'repair' });
    reconciles(doc);
    expect(doc.outputs).toMatchObject([
      { view: 'rows_to_repair', kind: 'csv', rows: data.planted['invalid deliveries'] },
    ]);
    const [mail] = await mails(doc.run);
    expect(mail?.text).toContain('too dirty for a report');
    expect(mail?.text).toContain('Branch: repair');
    expect((await query('SELECT key, published_at FROM marts.sluice_publication LIMIT 1'))[0]).toEqual(before);
  });

  test('empty sources have no new rows either', async () => {
    await made('--rows', '0');
    const { exitCode, doc } = await sluiceJson('run', file);
    expect(exitCode).toBe(0);
    expect(doc).toMatchObject({ state: 'skipped', branch: 'nothing-new' });
  });
});
