import { expect, test } from 'vitest';
import { firingChaos, firingLines } from '../chaos/triggers.ts';

test('each instant starts one run, which makes one request, though servers are killed', {
  timeout: 900_000,
}, async () => {
  // The long version, `npm run chaos -- --triggers`, has a thousand instants.
  const table = await firingChaos({ triggers: 12, minutes: 2, kills: 12, seed: 1, log: () => undefined });
  process.stdout.write(`firing chaos:\n${firingLines(table).join('\n')}\n`);
  for (const [promise, cases] of Object.entries(table.broken)) expect(cases, promise).toEqual([]);
});
