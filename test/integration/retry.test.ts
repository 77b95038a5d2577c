import { mkdir, readlink, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { kafkaClient } from '../../controller/clients/kafka.ts';
import { ownProject } from './servers.ts';
import { project, query, type RunDocument, start } from './world.ts';

/** A failed run of a file, a table and a topic, which all have more rows when it is repeated. */

const kafka = kafkaClient({ brokers: (await project()).endpoints.kafka });
const producer = kafka.producer();
const topic = `retried-${Date.now().toString(36)}`;
const count = 'SELECT count(*) AS n FROM';
const broken =
  "CREATE OR REPLACE TEMP VIEW second AS SELECT CAST(concat('x', CAST(id AS string)) AS int) AS n FROM files";
const file = `name: retried
sources:
  files: { csv: data/*.csv, key: id, columns: { id: bigint } }
  rows: { postgres: shop, table: retried, key: id }
  events: { kafka: shop, topic: ${topic}, key: id, columns: { id: bigint } }
checks: [{ name: all good, rows: files, where: id < 100, otherwise: quarantine }]
branches: [{ name: all }]
steps:
  first: { engine: embedded, spark: { sql: first.sql }, outputs: [{ parquet: published/first, views: [first] }] }
  second: { engine: embedded, needs: [first], spark: { sql: second.sql }, outputs: [{ parquet: published/second, views: [second] }] }
`;
let folder = '';
let more = 0;

beforeAll(async () => {
  ({ folder } = await ownProject(
    'retried-project',
    { 'conf/pipelines/retried.yaml': file, 'first.sql': `CREATE OR REPLACE TEMP VIEW first AS ${count} files` },
    'postgres: { shop: { database: shop } }\nkafka: { shop: {} }\n',
  ));
  await producer.connect();
  await kafka.admin().createTopics({ topics: [{ topic, numPartitions: 2 }], waitForLeaders: true });
  await query('CREATE TABLE IF NOT EXISTS retried (id bigint PRIMARY KEY)');
});
afterAll(async () => {
  await producer.disconnect();
  await query('DROP TABLE IF EXISTS retried');
});

/** One more row in each source. */
async function grow(): Promise<void> {
  more += 1;
  await mkdir(join(folder, 'data'), { recursive: true });
  await writeFile(join(folder, 'data', `${more}.csv`), `id\n${more}\n`);
  await query(`INSERT INTO retried VALUES (${more})`);
  await producer.send({ topic, messages: [{ key: `${more}`, value: JSON.stringify({ id: more }) }] });
}
const second = (): string =>
  `CREATE OR REPLACE TEMP VIEW second AS SELECT (${count} files) AS files, (${count} rows) AS rows, (${count} events) AS events`;
const write = (sql: string): Promise<void> => writeFile(join(folder, 'second.sql'), sql);

interface Shown extends RunDocument {
  readonly sources: Record<string, RunDocument['sources'][string] & { readonly pinned: { kept: { paths: string[] } } }>;
  readonly retries: { readonly run: string; readonly reused: boolean | null; readonly measuredAgain: string | null };
}
async function sluice(...args: string[]): Promise<{ code: number | undefined; doc: Shown }> {
  const { exitCode, stdout, stderr } = await start([...args, '--json'], {}, folder);
  expect(stdout, stderr).not.toBe('');
  return { code: exitCode, doc: JSON.parse(stdout) };
}
const rowsOf = ({ sources, error }: RunDocument): number[] | string | undefined =>
  error?.message ?? Object.values(sources).map(({ rows }) => rows);
const newOf = ({ sources }: RunDocument): number[] => Object.values(sources).map((each) => each.new);
const firstVersion = (): Promise<string> => readlink(join(folder, 'published/first/current'));

describe('a run that failed at its second step', () => {
  let failed: Shown;
  beforeAll(async () => {
    await grow();
    await write(second());
    const { doc: first } = await sluice('run', 'conf/pipelines/retried.yaml');
    expect([first.state, first.error]).toEqual(['succeeded', undefined]);
    await grow();
    await write(broken);
    const { code, doc } = await sluice('run', 'conf/pipelines/retried.yaml');
    expect([code, doc.state, rowsOf(doc), newOf(doc)], doc.reason).toEqual([1, 'failed', [2, 2, 2], [1, 1, 1]]);
    failed = doc;
    await grow();
  });

  test('is repeated from that step with the rows of then; the first step is not computed again', async () => {
    const before = await firstVersion();
    // It fails again, and the retry of the retry has the same rows, too.
    const again = await sluice('retry', failed.run, '--from-step', 'second');
    expect([again.code, again.doc.state, rowsOf(again.doc)]).toEqual([1, 'failed', [2, 2, 2]]);
    await write(second());
    const { code, doc } = await sluice('retry', again.doc.run, '--from-step', 'second');
    expect([code, doc.state, rowsOf(doc), newOf(doc)]).toEqual([0, 'succeeded', [2, 2, 2], [1, 1, 1]]);
    expect(doc.retries).toMatchObject({ run: again.doc.run, reused: true, measuredAgain: null });
    expect(doc.steps.map(({ name, attempts, reason }) => [name, attempts.length, reason])).toEqual([
      ['first', 0, expect.stringContaining(`computed by run ${failed.run}: `)],
      ['second', 1, expect.any(String)],
    ]);
    expect(doc.outputs.map(({ view, rows }) => [view, rows])).toEqual([
      ['first', 1],
      ['second', 1],
    ]);
    expect(await firstVersion()).toBe(before);
  });

  test('and the next run goes on from there: what came meanwhile is new, once', async () => {
    const { code, doc } = await sluice('run', 'conf/pipelines/retried.yaml');
    expect([code, rowsOf(doc), newOf(doc)]).toEqual([0, [3, 3, 3], [1, 1, 1]]);
    const { code: late, doc: refused } = await sluice('retry', failed.run, '--from-step', 'second');
    expect([late, refused.error?.message]).toEqual([2, expect.stringContaining('has come since')]);
    const whole = await sluice('retry', failed.run);
    expect([whole.code, rowsOf(whole.doc), whole.doc.retries.reused]).toEqual([0, [3, 3, 3], false]);
    expect(whole.doc.retries.measuredAgain).toMatch(/^run \S+ has come since$/);
  });

  test('whose snapshots were removed is measured again, and cannot begin from a step', async () => {
    await write(broken);
    await grow();
    const { doc: lost } = await sluice('run', 'conf/pipelines/retried.yaml');
    for (const path of lost.sources.rows?.pinned.kept.paths ?? []) await rm(path);
    const { code, doc } = await sluice('retry', lost.run, '--from-step', 'second');
    expect([code, doc.state, doc.reason]).toEqual([2, 'failed', expect.stringContaining('are gone')]);
    await write(second());
    const whole = await sluice('retry', lost.run);
    expect([whole.code, rowsOf(whole.doc), whole.doc.retries.measuredAgain]).toEqual([
      ...[0, [4, 4, 4], `the snapshots of run ${lost.run} are gone`],
    ]);
  });
});
