import { join } from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { builtIn } from '../../controller/app/registry.ts';
import { loadPipeline } from '../../controller/pipeline/loader.ts';
import { folder, good, load, problems } from './files.ts';

afterEach(() => vi.unstubAllEnvs());

describe('a valid pipeline file', () => {
  test('is read with the defaults filled in', async () => {
    const pipeline = await load(good);
    expect(pipeline).toMatchObject({ concurrency: 'queue', parallelism: 4 });
    expect(pipeline.steps.marts).toMatchObject({ fallback: 'poorer' });
    expect(pipeline.steps.poorer?.outputs).toEqual([]);
  });

  test('is identified by its path in the project, from any folder', async () => {
    await load(good);
    const known = { kinds: builtIn, connections: { postgres: ['shop'], kafka: [] } };
    const here = process.cwd();
    process.chdir('/');
    const { file } = await loadPipeline(join(folder, 'pipeline.yaml'), known, folder);
    process.chdir(here);
    expect(file).toBe('pipeline.yaml');
  });

  test('takes ${NAME} from the environment after it is parsed, and a default where there is none', async () => {
    vi.stubEnv('SLUICE_TEST_TABLE', 'orders # no comment: it is data');
    const wrong = await problems(good.replace('table: orders', 'table: "${SLUICE_TEST_TABLE}"'));
    expect(wrong[0]).toContain('sources.orders.table');
    const pipeline = await load(good.replace('table: orders', 'table: "${SLUICE_TEST_NONE:-orders}"'));
    expect(pipeline.sources.orders).toMatchObject({ table: 'orders' });
  });
});

describe('an invalid pipeline file is refused with line, column, key and fix', () => {
  test.each([
    ['empty', '', '1:1: the file is empty'],
    ['not YAML', 'name: [', '1:8: not valid YAML:'],
    ['a list', '- a\n', '1:1: found a list, expected object'],
    [
      'a misspelt key',
      good.replace('branches:', 'branchs:'),
      '10:1 branchs: unknown key "branchs" — did you mean "branches"?',
    ],
    [
      'a misspelt key deep inside',
      good.replace('fallback:', 'falback:'),
      '19:5 steps.marts.falback: unknown key "falback" — did you mean "fallback"?',
    ],
    [
      'a misspelt key of a source',
      good.replace('table: orders', 'tabel: orders'),
      '7:29 sources.orders.tabel: unknown key "tabel" — did you mean "table"?',
    ],
    ['a wrong type', good.replace('name: arrived', 'name: 7'), '9:13 checks[0].name: found number 7, expected string'],
    [
      'a wrong word',
      good.replace('otherwise: fail', 'otherwise: fial'),
      '9:62 checks[0].otherwise: found string "fial", expected one of fail, quarantine, warn — did you mean "fail"?',
    ],
    [
      'a wrong column type',
      good.replace('updated_at: timestamp', 'updated_at: timestmap'),
      '6:83 sources.deliveries.columns.updated_at: found string "timestmap", expected one of string, int, bigint, double, boolean, date, timestamp — did you mean "timestamp"?',
    ],
    ['a missing key', good.replace('name: shop\n', ''), '1:1 name: is missing; expected string'],
    [
      'no mail address',
      good.replace('a@example.org', 'marketing'),
      '23:14 notify[0].email: found string "marketing", expected a mail address',
    ],
    [
      'an unknown connection',
      good.replace('postgres: shop', 'postgres: shpo'),
      '7:23 sources.orders.postgres: there is no postgres connection "shpo" — did you mean "shop"? in conf/connections.yaml',
    ],
    [
      'an unknown fallback',
      good.replace('fallback: poorer', 'fallback: porer'),
      '19:15 steps.marts.fallback: there is no step "porer" — did you mean "poorer"?',
    ],
    [
      'an SQL file that is not there',
      good.replace('marts.sql }\n    outputs', 'mart.sql }\n    outputs'),
      '16:19 steps.marts.spark.sql: there is no file mart.sql',
    ],
    [
      'a key that is no column',
      good.replace('key: delivery_id', 'key: delivery'),
      '5:10 sources.deliveries.key: there is no column "delivery"',
    ],
    [
      'a branch behind one that always holds',
      good.replace(', if: total.rows >= 500000', ''),
      '11:13 branches[0].name: "full" has no "if"',
    ],
    [
      'an unknown name in CEL',
      good.replace('deliveries.rows > 0', 'delivery.rows > 0'),
      '9:30 checks[0].expect: "delivery.rows > 0": Unknown variable: delivery at character 1',
    ],
    [
      'an unknown field in CEL',
      good.replace('total.rows >=', 'total.row >='),
      '11:23 branches[0].if: "total.row >= 500000": No such key: row at character 7 — did you mean "rows"?',
    ],
    [
      'a wrong type in CEL',
      good.replace('deliveries.rows > 0', 'deliveries.rows > "0"'),
      'no such overload: int > string',
    ],
    [
      'CEL that does not parse',
      good.replace('deliveries.rows > 0', 'deliveries.rows >'),
      '9:30 checks[0].expect: "deliveries.rows >": Unexpected token: EOF',
    ],
    [
      'CEL that is no yes or no',
      good.replace('deliveries.rows > 0', 'deliveries.rows'),
      'is of type int, expected true or false',
    ],
    [
      'an unknown source in normal()',
      good.replace('deliveries.rows > 0', 'normal(delivery.rows)'),
      '9:30 checks[0].expect: "normal(delivery.rows)": Unknown variable: delivery at character 8',
    ],
    [
      'an unknown measure in normal()',
      good.replace('deliveries.rows > 0', 'normal(deliveries.row)'),
      '9:30 checks[0].expect: "normal(deliveries.row)": No such key: row at character 19 — did you mean "rows"?',
    ],
    [
      'what normal() cannot compare',
      good.replace('deliveries.rows > 0', 'normal(deliveries.rows + 1)'),
      'normal() takes SOURCE.rows, .valid, .invalid, .invalid_ratio, .duplicates, .bytes, .new, .nulls.COLUMN or .latest.COLUMN, not what is at character 8',
    ],
    [
      'what is no measure of a source in normal()',
      good.replace('deliveries.rows > 0', 'normal(total.rows)'),
      '.latest.COLUMN, not what is at character 14',
    ],
    [
      'normal() in a branch',
      good.replace('total.rows >= 500000', 'normal(deliveries.rows)'),
      '11:23 branches[0].if: "normal(deliveries.rows)": normal() is for `expect` of checks at character 19',
    ],
    [
      'normal() in a step',
      good.replace('branch in ["full", "light"]', 'normal(deliveries.rows)'),
      'normal() is for `expect` of checks',
    ],
    [
      'normal() in a trigger',
      `${good}triggers:\n  nightly: { schedule: "0 6 * * *", zone: UTC, when: normal(trigger.weekday) }\n`,
      'normal() is for `expect` of checks',
    ],
    ['a branch in a check', good.replace('deliveries.rows > 0', 'branch == "x"'), 'Unknown variable: branch'],
    [
      'an environment variable that is not set',
      good.replace('name: shop', 'name: ${SLUICE_TEST_NONE}'),
      '1:7 name: environment variable SLUICE_TEST_NONE is not set',
    ],
  ])('%s', async (_what, text, expected) => {
    const found = await problems(text);
    expect(found.join('\n')).toContain(expected);
  });

  test('a cycle of needs is shown with all its steps', async () => {
    const cyclic = good.replace(
      '  poorer:\n',
      '  a: { needs: [b], spark: { sql: marts.sql } }\n  b: { needs: [a], spark: { sql: marts.sql } }\n  poorer:\n',
    );
    expect(await problems(cyclic)).toEqual(['20:6 steps.a: circular dependency: a -> b -> a']);
  });

  test('all problems are reported at once', async () => {
    const twice = good.replace('otherwise: fail', 'otherwise: no').replace('on: [failed]', 'on: [never]');
    expect(await problems(twice)).toHaveLength(2);
  });

  test('a value from the environment is not quoted in the message, because it may be a secret', async () => {
    vi.stubEnv('SLUICE_TEST_SECRET', 'hunter2');
    const found = (await problems(good.replace('a@example.org', '"${SLUICE_TEST_SECRET}"'))).join();
    expect(found).toContain('what the environment gave');
    expect(found).not.toContain('hunter2');
  });

  test('a missing file, a folder and a binary file', async () => {
    const known = { kinds: builtIn, connections: { postgres: [], kafka: [] } };
    await expect(loadPipeline(join(folder, 'none.yaml'), known, folder)).rejects.toThrow(/there is no file/);
    await expect(loadPipeline(folder, known, folder)).rejects.toThrow(/is a folder/);
    await expect(load('name: \u0000')).rejects.toThrow(/binary file/);
  });
});
