import { join } from 'node:path';
import { execa } from 'execa';
import { expect, test } from 'vitest';
import { postgresAddress } from '../../controller/config/addresses.ts';
import { project } from './world.ts';

test('a thousand runs at once: one controller under 250 MB and under one core', async () => {
  const address = postgresAddress(await project(), { database: 'sluice' });
  const program = join(import.meta.dirname, '..', 'many', 'many-runs.ts');
  const { stdout } = await execa(process.execPath, [
    '--import',
    'tsx',
    program,
    JSON.stringify({ address, runs: 1000, jobMs: 30_000 }),
  ]);
  const seen = JSON.parse(stdout) as Record<'mostAtOnce' | 'rssMb' | 'cores' | 'steadyCores' | 'seconds', number>;
  process.stdout.write(`a thousand runs: ${stdout}\n`);
  expect(seen.mostAtOnce).toBe(1000);
  expect(seen.rssMb).toBeLessThan(250);
  expect(seen.cores).toBeLessThan(1);
});
