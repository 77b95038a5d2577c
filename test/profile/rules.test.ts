import { expect, test } from 'vitest';
import { duckdb, postgres, reasonSql, spark } from '../../controller/snapshot/rules.ts';

const columns = [
  { name: 'id', type: 'bigint', required: true, values: undefined },
  { name: 'status', type: 'string', required: false, values: ["it's"] },
] as const;

test('the three dialects express the same rules', () => {
  expect(reasonSql(columns, spark, true)).toBe(
    "CASE WHEN `id` IS NULL THEN 'id: missing' WHEN `id` IS NOT NULL AND NOT (`id` rlike '^(-?[0-9]{1,19})$' AND TRY_CAST(`id` AS BIGINT) IS NOT NULL) THEN 'id: not a bigint' WHEN `status` IS NOT NULL AND CAST(`status` AS string) NOT IN ('it\\'s') THEN 'status: unknown value' END",
  );
  expect(reasonSql(columns, duckdb, true)).toContain(`regexp_full_match("id", '-?[0-9]{1,19}')`);
  expect(reasonSql(columns, postgres, false)).toBe(
    `CASE WHEN "id" IS NULL THEN 'id: missing' WHEN "status" IS NOT NULL AND CAST("status" AS text) NOT IN ('it''s') THEN 'status: unknown value' END`,
  );
});

test('without rules every row is valid', () => {
  expect(reasonSql([], spark, true)).toBe('CAST(NULL AS string)');
});
