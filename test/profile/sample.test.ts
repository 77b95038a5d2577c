import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { csvReader } from '../../controller/adapters/sources/csv/csv.ts';
import { fileStorage as storage } from '../../controller/adapters/storage/file/file.ts';
import { builtIn } from '../../controller/app/registry.ts';
import { loadPipeline } from '../../controller/pipeline/loader.ts';

test('the sample in docs/pipeline-file.md has the documented content, read as customer-report reads deliveries', async () => {
  const root = resolve(import.meta.dirname, '../..');
  const file = join(root, 'conf/pipelines/customer-report.yaml');
  const { pipeline } = await loadPipeline(
    file,
    { kinds: builtIn, connections: { postgres: ['shop'], kafka: ['shop'] } },
    root,
  );
  const scratch = mkdtempSync(join(tmpdir(), 'sluice-sample-'));
  const source = { ...pipeline.sources.deliveries, csv: 'data/samples/*.csv' } as never;
  const { measures, examples } = await csvReader({ root, storage, scratch }).profile('deliveries', source);
  rmSync(scratch, { recursive: true });
  expect(measures).toMatchObject({
    rows: 8,
    valid: 4,
    invalidByReason: {
      'order_id: missing': 1,
      'status: unknown value': 1,
      'updated_at: not a timestamp': 1,
      'too few columns': 1,
    },
  });
  expect(examples.map((example) => example.where).sort()).toEqual(
    [7, 8, 9, 10].map((line) => `deliveries.csv:${line}`).sort(),
  );
});
