import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { builtIn } from '../../controller/app/registry.ts';
import type { Pipeline } from '../../controller/domain/pipeline.ts';
import type { SluiceError } from '../../controller/lib/errors.ts';
import { loadPipeline } from '../../controller/pipeline/loader.ts';

/** A small valid pipeline; tests break one part of it. */
export const good = `name: shop
sources:
  deliveries:
    csv: data/*.csv
    key: delivery_id
    columns: { delivery_id: bigint, order_id: bigint, status: string, updated_at: timestamp }
  orders: { postgres: shop, table: orders, key: order_id }
checks:
  - { name: arrived, expect: deliveries.rows > 0, otherwise: fail }
branches:
  - { name: full, if: total.rows >= 500000 }
  - { name: light }
steps:
  marts:
    if: branch in ["full", "light"]
    spark: { sql: marts.sql }
    outputs:
      - { parquet: out, views: [marts] }
    fallback: poorer
  poorer:
    spark: { sql: marts.sql }
notify:
  - { email: a@example.org, on: [failed] }
`;

export const folder = mkdtempSync(join(tmpdir(), 'sluice-pipeline-'));
// Every test file that imports this has its own folder, and removes it.
afterAll(() => rmSync(folder, { recursive: true, force: true }));
writeFileSync(join(folder, 'marts.sql'), 'CREATE OR REPLACE TEMP VIEW marts AS SELECT 1');

export async function load(text: string): Promise<Pipeline> {
  await mkdir(folder, { recursive: true });
  const file = join(folder, 'pipeline.yaml');
  writeFileSync(file, text);
  return (
    await loadPipeline(
      file,
      { kinds: builtIn, connections: { postgres: ['shop', 'warehouse'], kafka: ['shop'] } },
      folder,
    )
  ).pipeline;
}

/** The problems of a text, each as `line:column key: message`. */
export async function problems(text: string): Promise<string[]> {
  try {
    await load(text);
    return [];
  } catch (error) {
    return (error as SluiceError).message.split('\n').map((line) => line.replace(/^.*?pipeline\.yaml:/, ''));
  }
}
