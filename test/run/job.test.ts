import { describe, expect, test } from 'vitest';
import { pageRanges, pgpass } from '../../controller/run/job.ts';

describe('ranges of a table’s pages', () => {
  test('follow each other without gap or overlap, and the last is open', () => {
    expect(pageRanges({ pages: 10 }, 3)).toEqual([
      "ctid >= '(0,0)'::tid AND ctid < '(3,0)'::tid",
      "ctid >= '(3,0)'::tid AND ctid < '(6,0)'::tid",
      "ctid >= '(6,0)'::tid",
    ]);
  });

  test('of a view or a small table are one', () => {
    expect(pageRanges({ pages: 0 }, 4)).toEqual(['true']);
    expect(pageRanges({ pages: 1 }, 4)).toEqual(['true']);
  });
});

describe('a pgpass file', () => {
  const shop = { host: 'db', port: 5432, database: 'shop', user: 'me', password: 'a:b\\c', passfile: undefined };
  test('escapes what would end a field, names each database once, and leaves out those without password', () => {
    expect(pgpass([shop, shop, { ...shop, password: undefined }])).toBe('db:5432:shop:me:a\\:b\\\\c\n');
  });
});
