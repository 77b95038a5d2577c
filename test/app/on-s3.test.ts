import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { s3Storage } from '../../controller/adapters/storage/s3/s3.ts';
import { withSluice } from '../../controller/app/sluice.ts';
import { openPipeline } from '../../controller/app/wiring.ts';
import type { Retried } from '../../controller/domain/events.ts';
import type { RunState } from '../../controller/domain/state.ts';
import { type Fault, faultyProxy } from '../clouds/faulty.ts';
import { s3Server } from '../clouds/s3.ts';

/** Sources, snapshots, results and publications on S3, of which some answers are lost. */

const server = await s3Server();
const root = mkdtempSync(join(tmpdir(), 'sluice-on-s3-'));
let fault: (method: string) => Fault = () => undefined;
const proxy = server && (await faultyProxy(server.url, ({ method = '' }) => fault(method)));
const url = proxy?.url ?? '';
for (const [name, value] of Object.entries(server?.env ?? {})) vi.stubEnv(name, value);
const storage = s3Storage({ endpoint: url, region: 'us-east-1', scratch: join(root, 'scratch') });
const files = {
  'conf/connections.yaml': `engine: embedded
store: { sqlite: store.db }
storage: s3://shop/home
s3: { endpoint: "${url}", region: us-east-1 }
allow: { paths: ["s3://shop"] }
`,
  'conf/pipelines/p.yaml': `name: p
sources: { one: { csv: "s3://shop/in/*.csv", key: id, columns: { id: bigint } } }
branches: [{ name: all }]
steps:
  first: { spark: { sql: first.sql }, outputs: [{ parquet: "s3://shop/out/first", views: [total] }] }
  second: { needs: [first], spark: { sql: second.sql }, outputs: [{ csv: "s3://shop/out/second", views: [counted] }], retry: { maximumAttempts: 1 } }
`,
  'first.sql': 'CREATE OR REPLACE TEMP VIEW total AS SELECT sum(id) AS n FROM one',
  'second.sql': 'CREATE OR REPLACE TEMP VIEW counted AS SELECT count(*) AS n, max(id) AS last FROM one',
};
const write = (path: string, text: string): void => {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
};

beforeAll(async () => {
  for (const [path, text] of Object.entries(files)) write(path, text);
  if (!server) return;
  await new S3Client({ endpoint: server.url, forcePathStyle: true }).send(new CreateBucketCommand({ Bucket: 'shop' }));
});
afterAll(async () => {
  await proxy?.stop();
  await server?.stop();
  vi.unstubAllEnvs();
  rmSync(root, { recursive: true });
});

async function ran(retries?: Retried): Promise<RunState> {
  const { project, loaded } = await openPipeline(join(root, 'conf/pipelines/p.yaml'));
  return withSluice(project, async (sluice) => {
    const begun = await sluice.startRun(loaded, { ...(retries && { retries }) });
    return sluice.followToCompletion(begun, () => undefined);
  });
}
/** What a reader finds by the pointer of a published folder. */
async function readBy(sink: string, view: string): Promise<string> {
  const { version } = JSON.parse(String(await storage.read(`s3://shop/out/${sink}/_current.json`)));
  const parts = await storage.list(`s3://shop/out/${sink}/versions/${version}/${view}`);
  const data = parts.filter(({ uri }) => uri.endsWith('.csv'));
  return (await Promise.all(data.map(async ({ uri }) => readFileSync(await storage.local(uri), 'utf8')))).join('');
}

describe.skipIf(!server)('a project on S3', () => {
  test('measures, computes and publishes there, though every tenth write loses its answer', async () => {
    await storage.write('s3://shop/in/a.csv', 'id\n1\n2\n');
    let n = 0;
    fault = (method) => (method === 'PUT' && n++ % 10 === 3 ? 'lost' : undefined);
    const state = await ran();
    fault = () => undefined;
    expect(state.ended, JSON.stringify(state.ended)).toMatchObject({ state: 'succeeded' });
    expect(await readBy('second', 'counted')).toBe('n,last\n2,2\n');
    expect(n).toBeGreaterThan(10);
  }, 120_000);

  test('repeats a failed run from its step with the rows of then, and shows the new version to its readers', async () => {
    await storage.write('s3://shop/in/b.csv', 'id\n3\n');
    write(
      'second.sql',
      "CREATE OR REPLACE TEMP VIEW counted AS SELECT CAST(concat('x', CAST(id AS string)) AS int) AS n, id AS last FROM one",
    );
    const failed = await ran();
    expect(failed.ended?.state).toBe('failed');
    expect(await readBy('second', 'counted')).toBe('n,last\n2,2\n');
    await storage.write('s3://shop/in/c.csv', 'id\n4\n');
    write('second.sql', files['second.sql']);
    const again = await ran({ run: failed.run ?? '', fromStep: 'second' });
    expect([again.ended?.state, again.inputs]).toEqual(['succeeded', { of: failed.run }]);
    expect(await readBy('second', 'counted')).toBe('n,last\n3,3\n');
  }, 120_000);
});
