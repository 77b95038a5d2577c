import { describe, expect, test } from 'vitest';
import { randomOf } from '../../controller/demo/random.ts';
import { mebibytes, moreMemory, sizeJob } from '../../controller/planning/sizing.ts';

describe('more memory', () => {
  test('grows, never beyond the limit of the cluster, and ends', () => {
    const random = randomOf(1, 'memory');
    for (let n = 0; n < 500; n++) {
      const largestMb = 512 + Math.floor(random() * 64_000);
      const cores = 1 + Math.floor(random() * 16);
      const first = Math.min(largestMb, 256 + Math.floor(random() * 8000));
      let { settings } = sizeJob(
        { sql: 'x', executorMemory: `${first}m` },
        { rows: 1, bytes: 1 },
        { cores, largestMb },
      );
      let steps = 0;
      for (;;) {
        const more = moreMemory(settings, 'executor', { largestMb });
        if (!more) break;
        const perTask = (s: typeof settings): number => mebibytes(s.executorMemory) / s.executorCores;
        expect(perTask(more.settings)).toBeGreaterThan(perTask(settings));
        expect(mebibytes(more.settings.executorMemory)).toBeLessThanOrEqual(largestMb);
        expect(more.settings.executorCores).toBeGreaterThan(0);
        expect(more.settings.driverMemory).toBe(settings.driverMemory);
        settings = more.settings;
        steps += 1;
      }
      expect(steps).toBeLessThan(20);
      expect(settings.executorCores).toBe(1);
    }
  });
});
