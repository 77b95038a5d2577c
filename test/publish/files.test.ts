import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { literal, openDuck } from '../../controller/connect/duckdb.ts';
import { filePublisher, stagingFolder } from '../../controller/publish/files.ts';
import type { StagedView } from '../../controller/publish/port.ts';
import { publisherContract, type Sink } from '../contract/publisher.ts';

const root = mkdtempSync(join(tmpdir(), 'sluice-publish-'));
afterAll(() => rmSync(root, { recursive: true }));
let next = 0;

function sink(kind: 'parquet' | 'csv'): Sink & { readonly target: string } {
  next += 1;
  const target = join(root, `sink-${next}`);
  const scratch = join(root, 'scratch');
  return {
    target,
    publisher: filePublisher(root, scratch),
    async stage(key, rows) {
      const duck = await openDuck(scratch);
      const views: StagedView[] = [];
      for (const [view, n] of Object.entries(rows)) {
        const place = join(stagingFolder(target, key), view);
        await mkdir(place, { recursive: true });
        // A text with a line break: rows are counted as CSV has them, not as lines.
        const data = `SELECT i, 'two' || chr(10) || 'lines' AS t FROM range(${n}) r(i)`;
        await duck.run(
          `COPY (${data}) TO ${literal(join(place, `part-0.${kind}`))} (FORMAT ${kind}${kind === 'csv' ? ', HEADER' : ''})`,
        );
        views.push({ view, place, rows: n });
      }
      await duck.close();
      return { kind, target, key, views };
    },
    async read(view) {
      const folder = join(target, 'current', view);
      if (!existsSync(folder)) return undefined;
      const duck = await openDuck(scratch);
      const [row] = await duck.rows(`SELECT count(*) AS n FROM ${literal(join(folder, `*.${kind}`))}`);
      await duck.close();
      return Number(row?.n);
    },
  };
}

publisherContract('of Parquet files', async () => sink('parquet'));
publisherContract('of CSV files', async () => sink('csv'));

describe('published files', () => {
  test('keep the last three versions, so that a reader in the middle of one can finish', async () => {
    const { publisher, stage, target } = sink('csv');
    for (let n = 1; n <= 5; n++) await publisher.publish(await stage(`k${n}`, { a: n }), n);
    expect((await readdir(join(target, 'versions'))).sort()).toEqual([
      '0000000003-k3',
      '0000000004-k4',
      '0000000005-k5',
    ]);
  });

  test('go where they can: a file in the way is named, and nothing is lost', async () => {
    const { publisher, stage, target } = sink('csv');
    const staged = await stage('k1', { a: 1 });
    await writeFile(join(target, 'versions'), 'in the way');
    await expect(publisher.publish(staged, 1)).rejects.toThrow(/cannot be written/);
    await publisher.audit(staged);
  });
});
