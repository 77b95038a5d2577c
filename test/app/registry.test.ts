import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { fileStorage } from '../../controller/adapters/storage/file/file.ts';
import { notifierOf } from '../../controller/app/adapters.ts';
import { Sluice } from '../../controller/app/sluice.ts';
import { openPipeline } from '../../controller/app/wiring.ts';
import type { FileProblems } from '../../controller/lib/yaml/problem.ts';
import { pipelineJsonSchema } from '../../controller/pipeline/json-schema.ts';
import { memoryStore } from '../fakes/store.ts';
import { firedBy } from './fired-by.ts';
import { doublingOf, objects, projectIn, registry, rung } from './outside.ts';

const root = mkdtempSync(join(tmpdir(), 'sluice-outside-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const write = (pipeline: string): string => projectIn(root, pipeline, 'mail: { url: smtp://127.0.0.1:9 }');
const pipeline = `${doublingOf('outside')}triggers: { door: { knock: 'mem://door' } }
notify: [{ bell: front door, on: [succeeded, failed] }, { bell: nowhere, on: [succeeded] }]
`;

test('an external source, sink, backend, storage, trigger and notifier need one line each in the registry', async () => {
  const { project, loaded } = await openPipeline(write(pipeline), registry);
  const store = memoryStore();
  const sluice = await Sluice.open(project, store, registry);
  const failed: string[] = [];
  const fire = () => firedBy(project, store, loaded, failed);
  try {
    expect(await fire()).toEqual([]);
    await objects.write('mem://door/first', '');
    const [run = ''] = await fire();
    expect([await fire(), failed]).toEqual([[], []]);
    const claimed = await sluice.takeOver(run, () => undefined);
    if (!claimed) throw new Error('nobody may execute it');
    const state = await sluice.followToCompletion(claimed, () => undefined);
    expect(state.cause).toMatchObject({ kind: 'knock', trigger: 'door', key: 'mem://door/first' });
    expect(state.ended).toMatchObject({ state: 'succeeded' });
    expect(state.profiles?.counted?.measures).toMatchObject({ rows: 10, valid: 9, invalidByReason: { unlucky: 1 } });
    const lines = readFileSync(join(root, 'out/doubled.jsonl'), 'utf8').trim().split('\n');
    expect(lines.map((line) => JSON.parse(line).twice).sort((a, b) => a - b)).toEqual([
      2, 4, 8, 10, 12, 14, 16, 18, 20,
    ]);
    await sluice.dispatchOutbox();
    expect(rung).toEqual(['front door: succeeded']);
  } finally {
    await sluice.close();
  }
});

test('the schema of the pipeline file, its checks and its messages take the kinds from the registry', async () => {
  expect(pipelineJsonSchema(registry)).toContain('"numbers"');
  const problemsOf = async (text: string): Promise<string> => {
    const refused = await openPipeline(write(text), registry).catch((error: FileProblems) => error.message);
    return typeof refused === 'string' ? refused : 'nothing';
  };
  expect(await problemsOf(pipeline.replace('numbers: ten', 'numbers: tem'))).toMatch(
    /there is no counters connection "tem".*"ten"/,
  );
  expect(await problemsOf(pipeline.replace('lines: out/', 'lines: ../'))).toContain('lies outside the project');
  expect(await problemsOf(pipeline.replace('bell: front', 'bel: front'))).toContain('unknown key "bel"');
});

test('a message for a channel without a driver is refused, and does not delay others', async () => {
  const { project } = await openPipeline(write(pipeline), registry);
  const notifier = notifierOf({ notifiers: [], telemetry: [] }, { project, scratch: root, storage: fileStorage });
  const message = { id: '1', channel: 'bell', run: 'r1', event: 'failed', to: 'x' };
  await expect(notifier.send(message)).rejects.toMatchObject({
    kind: 'rejected',
    message: expect.stringContaining('no driver for "bell"'),
  });
});
