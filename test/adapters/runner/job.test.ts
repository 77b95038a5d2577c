import { describe, expect, test } from 'vitest';
import { pgpass, splitConf } from '../../../controller/adapters/runner/job.ts';
import { pageRanges } from '../../../controller/adapters/sources/postgres/driver.ts';

describe('ranges of a table’s pages', () => {
  test('follow each other without gap or overlap, and the last is open', () => {
    expect(pageRanges({ pages: 10 }, 3)).toEqual([
      "ctid >= '(0,0)'::tid AND ctid < '(3,0)'::tid",
      "ctid >= '(3,0)'::tid AND ctid < '(6,0)'::tid",
      "ctid >= '(6,0)'::tid",
    ]);
  });

  test('of a view or a small table are a single one', () => {
    expect(pageRanges({ pages: 0 }, 4)).toEqual(['true']);
    expect(pageRanges({ pages: 1 }, 4)).toEqual(['true']);
  });
});

describe('a pgpass file', () => {
  const shop = { host: 'db', port: 5432, database: 'shop', user: 'me', password: 'a:b\\c', passfile: undefined };
  test('escapes separators, names each database once, and omits those without a password', () => {
    expect(pgpass([shop, shop, { ...shop, password: undefined }])).toBe('db:5432:shop:me:a\\:b\\\\c\n');
  });
});

describe('Spark properties with values from the environment', () => {
  const conf = { 'spark.sql.x': 'a', 'spark.hadoop.fs.key': '${KEY}', 'spark.app.dsn': 'me:${PW}@h' };
  test('are not submitted but passed to the runner in the secrets file, and Spark redacts their names', () => {
    const { open, secret } = splitConf(conf, { KEY: 'k1', PW: 'p/%' });
    expect(secret).toEqual({ 'spark.hadoop.fs.key': 'k1', 'spark.app.dsn': 'me:p/%@h' });
    expect(Object.keys(open)).toEqual(['spark.sql.x', 'spark.redaction.regex', 'spark.sql.redaction.options.regex']);
    expect(open['spark.redaction.regex']).toBe(
      '(?i)secret|password|token|access[.]?key|(\\Qfs.key\\E|\\Qspark.app.dsn\\E)$',
    );
    expect(splitConf({ 'spark.sql.x': 'a' }, {})).toEqual({ open: { 'spark.sql.x': 'a' }, secret: {} });
  });
  test('are named in the error when a variable is not set', () => {
    expect(() => splitConf(conf, { KEY: 'k1' })).toThrow(/environment variable PW is not set/);
  });
});
