import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { lineageIdOf } from '../../controller/telemetry/ids.ts';
import { otherProject, project, type RunDocument, smallPipeline, start } from './world.ts';

/** OpenLineage's own listener in a Spark application, which is told where it belongs. */

const artifact = 'io.openlineage:openlineage-spark_2.12:1.53.0';

interface SparkEvent {
  readonly eventType: string;
  readonly run: { readonly runId: string; readonly facets: { readonly parent?: Parent } };
  readonly job: { readonly namespace: string; readonly name: string };
  readonly outputs: readonly { readonly facets: { readonly columnLineage?: { readonly fields: object } } }[];
}
interface Parent {
  readonly run: { readonly runId: string };
  readonly job: { readonly namespace: string; readonly name: string };
  readonly root?: {
    readonly run: { readonly runId: string };
    readonly job: { readonly namespace: string; readonly name: string };
  };
}

const events: SparkEvent[] = [];
const receiver = createServer((request, response) => {
  let body = '';
  request.on('data', (chunk: Buffer) => {
    body += chunk.toString();
  });
  request.on('end', () => {
    if (request.url === '/api/v1/lineage') events.push(JSON.parse(body));
    response.writeHead(201).end();
  });
});
let folder = '';

beforeAll(async () => {
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
  const { home } = await project();
  await execa('mvn', ['-B', '-q', 'dependency:copy', `-Dartifact=${artifact}`, `-DoutputDirectory=${home}/listener`]);
  const jar = `local:${join(home, 'listener', 'openlineage-spark_2.12-1.53.0.jar')}`;
  const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}`;
  folder = await otherProject('listened', (text) =>
    text.replace('spark: {}', `spark: { lineage: { jar: "${jar}", url: "${url}" } }`),
  );
}, 120_000);
afterAll(() => receiver.close());

async function ran(file: string, cwd?: string): Promise<RunDocument> {
  const { stdout, stderr } = await start(['run', file, '--full-refresh', '--json'], {}, cwd);
  const document = JSON.parse(stdout) as RunDocument;
  expect(document.state, stderr).toBe('succeeded');
  return document;
}
function secondsOf({ steps }: RunDocument): string {
  const [attempt] = steps[0]?.attempts ?? [];
  return ((Date.parse(attempt?.ended ?? '') - Date.parse(attempt?.started ?? '')) / 1000).toFixed(1);
}

test('the lineage of columns that Spark tells belongs to the step that Sluice tells', async () => {
  const sql = "CREATE OR REPLACE TEMP VIEW result AS SELECT id, concat(note, '!') AS loud FROM small";
  const file = await smallPipeline('listened', { sql });
  const done = await ran(file, folder);
  const { run } = done;
  const { name } = await project();
  const complete = events.filter(({ eventType }) => eventType === 'COMPLETE');
  const written = complete.flatMap((event) => event.outputs.map(({ facets }) => ({ event, of: facets.columnLineage })));
  const { event, of } = written.find((each) => each.of !== undefined) ?? {};
  const fields = Object.keys(of?.fields ?? {});
  process.stdout.write(
    `column lineage: ${events.length} events of Spark, one with the origin of ${fields.join(' and ')}; the attempt took ${secondsOf(done)} s, without the listener ${secondsOf(await ran(file))} s\n`,
  );
  expect(fields).toEqual(['id', 'loud']);
  // What wrote the columns belongs to the application, which belongs to the step, and all to the run.
  const application = events.find(({ run: { runId } }) => runId === event?.run.facets.parent?.run.runId);
  const step = application?.run.facets.parent;
  expect(step?.run.runId).toBe(lineageIdOf(name, run, 'work'));
  expect(step?.job).toMatchObject({ namespace: name, name: 'listened.work' });
  for (const { run: each } of events)
    expect(each.facets.parent?.root).toMatchObject({
      ...{ run: { runId: lineageIdOf(name, run) }, job: { namespace: name, name: 'listened' } },
    });
  expect(new Set(events.map(({ job }) => job.namespace))).toEqual(new Set([name]));
}, 240_000);
