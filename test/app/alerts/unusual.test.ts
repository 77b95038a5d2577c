import { expect, test } from 'vitest';
import { unusualRuns } from '../../../controller/app/alerts/unusual.ts';
import type { PastRun } from '../../../controller/domain/ports/past-index.ts';

const day = 86_400_000;
const start = Date.parse('2026-03-02T06:00:00Z');
const measures = (rows: number) => ({
  ...{ rows, valid: rows, invalid: 0, invalidByReason: {}, nulls: {}, duplicates: 0, bytes: rows, new: rows },
});
const past = Array.from(
  { length: 40 },
  (_, i): PastRun => ({
    ...{ run: `r${40 - i}`, at: start - (i + 1) * day, isFullRefresh: false, ms: 60_000 + (i % 5) * 1000 },
    measures: { orders: measures(1000 + (i % 7) * 10) },
  }),
);

/** A store with one run after many that are alike. */
function last(rows: number) {
  let reads = 0;
  const events = [
    { type: 'run-started', run: 'last', pipeline: { name: 'p', steps: {} }, file: 'f' },
    {
      type: 'sources-measured',
      profiles: { orders: { measures: measures(rows), pin: {}, examples: [] } },
      findings: {},
    },
    { type: 'run-ended', state: 'succeeded', reason: 'why' },
  ];
  const store = {
    async history() {
      reads += 1;
      return events.map((event, i) => ({ seq: i + 1, at: start + i * 30_000, event }));
    },
    lastMeasures: async () => past,
  };
  return { look: unusualRuns(store as never), reads: () => reads };
}
const ended = [{ pipeline: 'p', run: 'last', state: 'succeeded', at: start }];

test('a run that is unlike those before it is told with the numbers; it is read once', async () => {
  const { look, reads } = last(100);
  const [found, ...others] = await look(ended);
  expect(others).toEqual([]);
  expect(found).toMatchObject({ pipeline: 'p', run: 'last' });
  expect(found?.reason).toMatch(
    /^orders\.rows = 100 is unusual: \d+ to \d+ expected, from a median of 10\d\d in \d+ runs/,
  );
  await look(ended);
  expect(reads()).toBe(1);
});

test('one that is alike is not told of', async () => {
  expect(await last(1020).look(ended)).toEqual([]);
});
