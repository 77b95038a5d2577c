import { expect, test } from 'vitest';
import { newRunName } from '../../controller/app/new-run.ts';

test('runs that start in the same second have different names', () => {
  const names = Array.from({ length: 5000 }, () => newRunName(new Date(0)));
  expect(new Set(names).size).toBe(5000);
  for (const name of names) expect(name).toMatch(/^19700101-000000-[0-9a-f]{4}$/);
});
