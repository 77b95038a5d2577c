import { describe, expect, test } from 'vitest';
import { query, sluiceJson, smallPipeline } from './world.ts';

describe('output that must not be published', () => {
  const publishing = (name: string, sql: string, more = '') =>
    smallPipeline(name, {
      sql: `CREATE OR REPLACE TEMP VIEW result AS ${sql}`,
      outputs: `      - { parquet: data/published/${name}, views: [result]${more} }
      - { postgres: shop, schema: ${name}, views: [result]${more} }`,
      step: '    timeout: 5m',
    });

  test('rows that a join has multiplied: nothing is published, and the join and the row are named', async () => {
    const unique = ', unique: { result: id }';
    const good = await publishing('multiplied', 'SELECT id, note FROM small', unique);
    expect((await sluiceJson('run', good)).doc.state).toBe('succeeded');
    const twice = '(SELECT * FROM small UNION ALL SELECT * FROM small)';
    const join = `SELECT s.id, s.note FROM ${twice} s JOIN (SELECT * FROM VALUES (2), (2), (3), (1) AS v (id)) v ON v.id = s.id`;
    const { exitCode, doc } = await sluiceJson('run', await publishing('multiplied', join, unique));
    expect(exitCode).toBe(1);
    expect(doc.reason).toMatch(/nothing was published: result: id must be unique, and \d occurs \d times/);
    expect(doc.steps[0]?.attempts[0]?.joins).toEqual([{ view: 'result', on: 'id', left: 6, right: 4, rows: 8 }]);
    expect(await query('SELECT count(*) AS n FROM multiplied.result')).toEqual([{ n: 3 }]);
  });

  test('a view that lacks published columns, until the pipeline allows it', async () => {
    expect((await sluiceJson('run', await publishing('shaped', 'SELECT id, note FROM small'))).doc.state).toBe(
      'succeeded',
    );
    const wider = 'SELECT id, note, 1 AS more FROM small';
    expect((await sluiceJson('run', await publishing('shaped', wider))).doc.state).toBe('succeeded');
    const other = 'SELECT CAST(id AS string) AS id, 1 AS more FROM small';
    const { exitCode, doc } = await sluiceJson('run', await publishing('shaped', other));
    expect(exitCode).toBe(1);
    expect(doc.reason).toMatch(
      /nothing was published: result has a breaking schema change: id is VARCHAR instead of BIGINT, note is removed/,
    );
    expect(Object.keys((await query('SELECT * FROM shaped.result LIMIT 1'))[0] ?? {})).toEqual(['id', 'note', 'more']);
    const meant = await sluiceJson('run', await publishing('shaped', other, ', schemaChange: allow'));
    expect(meant.doc.state).toBe('succeeded');
    expect(Object.keys((await query('SELECT * FROM shaped.result LIMIT 1'))[0] ?? {})).toEqual(['id', 'more']);
  });

  test('a job that is too large for the cluster: the run fails before Spark', async () => {
    const file = await smallPipeline('too-large', { spark: 'executorMemory: 900g' });
    const { exitCode, doc } = await sluiceJson('run', file);
    expect(exitCode).toBe(1);
    expect(doc.reason).toMatch(/step work: executor memory 900g exceeds the largest worker \(\d+ MB\)/);
    expect(doc.steps[0]?.attempts).toEqual([]);
  });
});
