import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { runServices } from '../../controller/app/services.ts';

test('a failing or slow service does not delay others, and all end when the signal aborts', async () => {
  const leaving = new AbortController();
  const failed: string[] = [];
  let [done, slow] = [0, 0];
  const services = [
    { name: 'failing', everyMs: 1, work: () => Promise.reject(new Error('no')) },
    {
      name: 'slow',
      everyMs: 1,
      work: async () => {
        slow += 1;
        await sleep(1000, undefined, { signal: leaving.signal }).catch(() => undefined);
      },
    },
    {
      name: 'quick',
      everyMs: 1,
      work: async () => {
        done += 1;
        if (done === 5) leaving.abort();
      },
    },
  ];
  await runServices(services, leaving.signal, (service, error) => failed.push(`${service}: ${error}`));
  expect([done, slow]).toEqual([5, 1]);
  expect(failed.length).toBeGreaterThan(1);
  expect(new Set(failed)).toEqual(new Set(['failing: Error: no']));
});
