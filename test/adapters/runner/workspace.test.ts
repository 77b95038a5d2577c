import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { runFolder, runnerWorkspace } from '../../../controller/adapters/runner/workspace.ts';
import { fileStorage } from '../../../controller/adapters/storage/file/file.ts';
import { builtIn } from '../../../controller/app/registry.ts';
import { connectionsSchema } from '../../../controller/config/connections.ts';
import type { Project } from '../../../controller/config/project.ts';
import type { Cause } from '../../../controller/domain/events.ts';
import { attemptKey, spanIdOf } from '../../../controller/telemetry/ids.ts';

const home = mkdtempSync(join(tmpdir(), 'sluice-workspace-'));
afterAll(() => rmSync(home, { recursive: true }));

const workspaceAt = (project: object) =>
  runnerWorkspace({
    project: project as Project,
    run: 'r1',
    storage: fileStorage,
    registry: builtIn,
  });

function made(...parts: string[]): string {
  const path = join(home, ...parts);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, '');
  return path;
}

test('of the files that a history names, only inputs of runs are removed', async () => {
  const replaced = made('home/runs/r0/inputs/events-1.parquet');
  const wanted = made('home/runs/r0/inputs/events-2.parquet');
  const own = made('home/runs/r1/inputs/orders.parquet');
  const others = [
    made('precious.parquet'),
    made('home/secrets/inputs/stack.parquet'),
    made('home/runs/r0/inputs/notes.txt'),
    made('home/runs/r0/inputs/deeper/x.parquet'),
  ];
  const workspace = workspaceAt({ root: home, home: join(home, 'home'), connections: {} });
  const tricky = join(home, 'home/runs/r0/inputs/../../../../precious.parquet');
  await workspace.removeInputs([wanted], [replaced, wanted, tricky, ...others]);
  expect([replaced, own].map(existsSync)).toEqual([false, false]);
  expect([wanted, ...others].map(existsSync)).toEqual([true, true, true, true, true]);
});

test('a run is removed completely, except the inputs that a later run reads', async () => {
  const read = made('home/runs/r1/inputs/events.parquet');
  const files = [made('home/runs/r1/inputs/orders.parquet'), made('home/runs/r1/marts/1/job.json')];
  const workspace = workspaceAt({ root: home, home: join(home, 'home'), connections: {} });
  await workspace.remove([read]);
  expect([read, ...files].map(existsSync)).toEqual([true, false, false]);
  await workspace.remove([]);
  expect(existsSync(join(home, 'home/runs/r1'))).toBe(false);
});

test('the name of a run must be a single path segment', () => {
  expect(runFolder('/h', '20261125-100000-ab12')).toBe('/h/runs/20261125-100000-ab12');
  for (const name of ['..', '../x', 'a/b', '', '.hidden', 'a\0b'])
    expect(() => runFolder('/h', name), name).toThrow(/is no run's name/);
});

test('an application of a run that belongs to a trace is labelled with the place of its attempt', async () => {
  const workspace = workspaceAt({ root: home, home, connections: connectionsSchema().parse({}), stack: {} });
  const labelsFor = async (cause: Cause) => {
    const steps = { step: { spark: { sql: [] }, outputs: [] } };
    const attempt = { key: 'k', number: 2, settings: { conf: {}, partitions: 1 } };
    return (await workspace.prepare({ name: 'p', sources: {}, steps } as never, 'step', attempt as never, {}, cause))
      .labels;
  };
  const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
  const spanId = spanIdOf('r1', attemptKey('step', 2));
  expect(await labelsFor({ kind: 'api', traceparent: `00-${traceId}-00f067aa0ba902b7-01` })).toEqual({
    ...{ pipeline: 'p', run: 'r1', step: 'step', attempt: '2', traceparent: `00-${traceId}-${spanId}-01` },
  });
  expect(await labelsFor({ kind: 'api' })).not.toHaveProperty('traceparent');
});

test('a step that needs two pgpass files is refused: a JVM reads only one', async () => {
  const url = 'postgres://u@127.0.0.1/x';
  const postgres = { own: { url, password: 'p' }, filed: { url, passfile: '/etc/pgpass' }, open: { url } };
  const connections = connectionsSchema().parse({ postgres });
  const stack = { elsewhere: {} };
  const workspace = workspaceAt({ root: home, home, connections, stack });
  const prepared = (...names: (keyof typeof postgres)[]) => {
    const outputs = names.map((name) => ({ postgres: name, schema: 'marts', views: ['v'] }));
    const steps = { step: { spark: { sql: [] }, outputs } };
    const attempt = { key: 'k', number: 1, settings: { conf: {}, partitions: 1 } };
    return workspace.prepare({ sources: {}, steps } as never, 'step', attempt as never, {}, undefined);
  };
  const passfileOf = async (...names: (keyof typeof postgres)[]) => (await prepared(...names)).secretFiles[0]?.path;
  expect(await passfileOf('filed', 'open')).toBe('/etc/pgpass');
  expect(await passfileOf('own', 'open')).toBe(join(home, 'runs/r1/step/1/pgpass'));
  await expect(prepared('own', 'filed')).rejects.toMatchObject({ kind: 'rejected', message: /different files/ });
});
