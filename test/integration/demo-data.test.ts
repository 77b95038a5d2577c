import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { folder, query, read, sluice, write } from './world.ts';

test('demo-data replaces its own tables and files, and no others', async () => {
  expect((await sluice('demo-data', '--rows', '1000')).exitCode).toBe(0);
  await write('data/deliveries/mine.csv', 'a,b\n');
  expect((await sluice('demo-data', '--rows', '1000')).exitCode).toBe(0);
  expect(await read('data/deliveries/mine.csv')).toBe('a,b\n');
  await rm(join(folder, 'data/deliveries/mine.csv'));

  const files = await readdir(join(folder, 'data/deliveries'));
  const rows = async (): Promise<unknown> => (await query('SELECT count(*) AS n FROM users'))[0]?.n;
  const before = await rows();
  await query('COMMENT ON TABLE users IS NULL');
  const refused = await sluice('demo-data', '--rows', '2000');
  expect(refused.exitCode).toBe(2);
  expect(refused.stderr).toContain('refusing to replace tables that demo-data did not make: public.users');
  expect(refused.stderr).toContain("COMMENT ON TABLE public.users IS 'made by sluice demo-data'");
  expect(await rows()).toEqual(before);
  expect(await readdir(join(folder, 'data/deliveries'))).toEqual(files);
  await query("COMMENT ON TABLE users IS 'made by sluice demo-data'");
  expect((await sluice('demo-data', '--rows', '1000')).exitCode).toBe(0);
});
