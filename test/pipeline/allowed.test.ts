import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { builtIn } from '../../controller/app/registry.ts';
import { liesIn } from '../../controller/lib/paths.ts';
import { baseOf, isSetLate, maySet } from '../../controller/pipeline/allowed.ts';
import { loadPipeline } from '../../controller/pipeline/loader.ts';
import { folder, good, problems } from './files.ts';

describe('the paths of a pipeline', () => {
  test.each([
    ['csv: data/*.csv', 'csv: ../*.csv', 'sources.deliveries.csv', '../'],
    ['csv: data/*.csv', 'csv: /etc/*.csv', 'sources.deliveries.csv', '/etc'],
    ['parquet: out', 'parquet: ../w/escaped', 'steps.marts.outputs[0].parquet', '../w/escaped'],
    ['sql: marts.sql', 'sql: /etc/shadow', 'steps.marts.spark.sql', '/etc/shadow'],
    ['parquet: out', 'parquet: link/out', 'steps.marts.outputs[0].parquet', 'link/out'],
  ])('must stay in the project: %s -> %s', async (was, is, key, path) => {
    mkdirSync(join(folder, 'data'), { recursive: true });
    try {
      symlinkSync(tmpdir(), join(folder, 'link'));
    } catch {
      // It exists already.
    }
    const found = await problems(good.replace(was, is));
    expect(found.join('\n')).toContain(`${key}: ${path === '../' ? '..' : path} lies outside the project`);
  });

  test('may be outside where conf/ allows it', async () => {
    const file = join(folder, 'elsewhere.yaml');
    writeFileSync(file, good.replace('parquet: out', `parquet: ${join(tmpdir(), 'sluice-elsewhere', 'out')}`));
    const known = { kinds: builtIn, connections: { postgres: ['shop'], kafka: [] } };
    await expect(loadPipeline(file, known, folder)).rejects.toThrow(/lies outside the project/);
    const allow = { paths: [join(tmpdir(), 'sluice-elsewhere')], sparkConf: [] };
    await expect(loadPipeline(file, { ...known, allow }, folder)).resolves.toBeDefined();
  });

  test('are compared by folders, not by text prefixes', () => {
    expect(liesIn(['/a/b'], '/a/bc')).toBe(false);
    expect(liesIn(['/a/b'], '/a/b/..c')).toBe(true);
    expect(liesIn(['/a/b'], '/a/b/../c')).toBe(false);
    expect(liesIn(['/'], '/etc')).toBe(true);
    expect(['data/*.csv', '/x/{a,b}/c.csv', 'a.csv', '*.csv', '../a/[b]/c', '/*.csv'].map(baseOf)).toEqual([
      'data',
      '/x',
      '.',
      '.',
      '../a',
      '/',
    ]);
  });
});

describe('the Spark properties of a pipeline', () => {
  test.each([
    'spark.driver.extraJavaOptions',
    'spark.executor.extraClassPath',
    'spark.jars',
    'spark.jars.packages',
    'spark.files',
    'spark.submit.deployMode',
    'spark.master',
    'spark.app.name',
    'spark.driver.bindAddress',
    'spark.executorEnv.LD_PRELOAD',
    'spark.plugins',
    'spark.sql.extensions',
    'spark.sql.catalog.x',
    'spark.redaction.regex',
    'spark.ui.filters',
    'spark.eventLog.dir',
    'spark.hadoop.hadoop.security.group.mapping',
    'spark.sql.session.timeZone',
  ])('do not include %s', async (name) => {
    const text = good.replace('spark: { sql: marts.sql }', `spark: { sql: marts.sql, conf: { ${name}: x } }`);
    expect((await problems(text)).join('\n')).toContain(`${name} loads code, moves files, opens doors`);
    expect(maySet(name, [name])).toBe(true);
    expect(maySet(name, [name.replace(/\.[^.]*$/, '.*')])).toBe(true);
  });

  test.each([
    'spark.sql.shuffle.partitions',
    'spark.sql.adaptive.enabled',
    'spark.executor.memoryOverhead',
    'spark.task.maxFailures',
    'spark.hadoop.fs.s3a.secret.key',
    'spark.hadoop.fs.s3a.endpoint',
    'spark.myapp.dsn',
    'spark.jarsabc',
  ])('may include %s', (name) => {
    expect(maySet(name, [])).toBe(true);
  });

  test('may use the environment if they are read late enough, and the history has only the variable name', async () => {
    process.env.SLUICE_TEST_KEY = 'C4nary';
    try {
      const conf = (name: string): string =>
        good.replace(
          'spark: { sql: marts.sql }',
          `spark: { sql: marts.sql, conf: { ${name}: "\${SLUICE_TEST_KEY}" } }`,
        );
      const file = join(folder, 'late.yaml');
      writeFileSync(file, conf('spark.hadoop.fs.s3a.secret.key'));
      const { pipeline } = await loadPipeline(
        file,
        { kinds: builtIn, connections: { postgres: ['shop'], kafka: [] } },
        folder,
      );
      expect(JSON.stringify(pipeline)).not.toContain('C4nary');
      expect((await problems(conf('spark.executor.memoryOverhead'))).join('\n')).toContain(
        'before a job has its secrets',
      );
      expect(['spark.hadoop.x', 'spark.sql.x', 'spark.myapp.x'].every(isSetLate)).toBe(true);
    } finally {
      delete process.env.SLUICE_TEST_KEY;
    }
  });
});
