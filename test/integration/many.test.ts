import { join } from 'node:path';
import { execa } from 'execa';
import { expect, test } from 'vitest';
import { postgresAddress } from '../../controller/config/addresses.ts';
import { project } from './world.ts';

test('a thousand runs at once: one controller under 250 MB and under one core', async () => {
  const address = postgresAddress(await project(), { database: 'sluice' });
  const program = join(import.meta.dirname, '..', 'many', 'many-runs.ts');
  // tsx compiles the program while it loads; that memory does not belong to the controller.
  const rssOf = async (...options: string[]): Promise<number> =>
    Number(
      (
        await execa(process.execPath, [
          ...options,
          '-e',
          'process.stdout.write(String(process.memoryUsage.rss() / 2 ** 20))',
        ])
      ).stdout,
    );
  const loaderMb = (await rssOf('--import', 'tsx')) - (await rssOf());
  const { stdout } = await execa(process.execPath, [
    '--import',
    'tsx',
    program,
    JSON.stringify({ address, runs: 1000, jobMs: 30_000 }),
  ]);
  const seen = JSON.parse(stdout) as Record<'mostAtOnce' | 'rssMb' | 'cores' | 'steadyCores' | 'seconds', number>;
  process.stdout.write(
    `a thousand runs: ${stdout}, of which the loader of TypeScript takes ${loaderMb.toFixed(0)} MB\n`,
  );
  expect(seen.mostAtOnce).toBe(1000);
  expect(seen.rssMb - loaderMb).toBeLessThan(250);
  expect(seen.cores).toBeLessThan(1);
});
