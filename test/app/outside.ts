import { cpSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { z } from 'zod';
import type {
  BackendDriver,
  NotifierDriver,
  Registry,
  SinkDriver,
  SourceDriver,
  TriggerDriver,
} from '../../controller/adapters/drivers.ts';
import { fileStorage } from '../../controller/adapters/storage/file/file.ts';
import { builtIn } from '../../controller/app/registry.ts';
import { openDuck } from '../../controller/clients/duckdb.ts';
import { identifier as quoted } from '../../controller/clients/sql.ts';
import type { Observation } from '../../controller/domain/ports/backend.ts';
import type { Storage } from '../../controller/domain/ports/storage.ts';
import { rejected } from '../../controller/lib/errors.ts';
import { identifier, ofOutput } from '../../controller/pipeline/schema.ts';
import { measureRelation } from '../../controller/snapshot/measure.ts';
import { materialize, own, parquet, writeSnapshot } from '../../controller/snapshot/snapshot.ts';
import { capacity, traits } from '../fakes/backend.ts';
import { memoryStorage, memoryStorageDriver } from '../fakes/storage.ts';

/** External drivers: a source of numbers, a sink of JSON lines, DuckDB as a backend, and a bell as a notifier. */

const numbers: SourceDriver = {
  kind: 'numbers',
  spec: z.strictObject({ numbers: z.string().describe('A connection'), key: identifier }),
  isTable: true,
  connection: { section: 'counters', at: ['numbers'], spec: z.strictObject({ upTo: z.int().min(1) }) },
  async open({ project, scratch, snapshots }) {
    if (!snapshots) throw new TypeError('numbers are kept');
    return {
      async profile(name, source) {
        const { upTo } =
          (project.connections.counters as Record<string, { upTo: number }>)[String(source.numbers)] ?? {};
        const texts = [own.raw, own.where, own.fields, own.original].map((column) => `NULL::VARCHAR AS ${column}`);
        const row = [`i AS ${quoted(source.key)}`, `CASE WHEN i = 3 THEN 'unlucky' END AS ${own.reason}`, ...texts];
        const duck = await openDuck(scratch, []);
        try {
          const relation = `(SELECT ${row.join(', ')}, true AS ${own.isNew} FROM range(1, ${Number(upTo) + 1}) t(i))`;
          const snapshot = await materialize(duck, name, relation);
          const counted = await measureRelation(duck, parquet([snapshot.file]), source.key, 8);
          return { ...counted, pin: { kind: 'numbers', kept: await writeSnapshot(snapshot, snapshots) } };
        } finally {
          await duck.close();
        }
      },
      isReadable: async () => true,
      close: async () => undefined,
    };
  },
};

const lines: SinkDriver = {
  kind: 'lines',
  spec: z.strictObject({ lines: z.string(), ...ofOutput }),
  places: [{ at: ['lines'], is: 'folder' }],
  async open({ scratch }) {
    return {
      prepare: async () => undefined,
      audit: async () => undefined,
      async publish({ target, views }) {
        const duck = await openDuck(scratch, [dirname(target)]);
        try {
          const all = await Promise.all(
            views.map(({ place }) => duck.rows(`SELECT * FROM read_parquet('${place}/*')`)),
          );
          await writeFile(
            `${target}.new`,
            all.flat().map((row) => `${JSON.stringify(row, text)}\n`),
          );
          await rename(`${target}.new`, target);
        } finally {
          await duck.close();
        }
        return views.map(({ view, rows }) => ({ view, kind: 'lines', where: target, rows }));
      },
      discard: async ({ views }) => {
        for (const { place } of views) await rm(place, { recursive: true, force: true });
      },
    };
  },
  stage(output, key, root) {
    const target = resolve(root, String(output.lines));
    return { target, placeOf: (view) => join(dirname(target), `.${key}`, view) };
  },
  writes: () => ({ fields: { kind: 'parquet' } }),
  describe: ({ lines: file }) => `as JSON lines in ${file}`,
};
const text = (_key: string, value: unknown): unknown => (typeof value === 'bigint' ? Number(value) : value);

interface Job {
  readonly key: string;
  readonly result: string;
  readonly claim: string;
  readonly sql: string;
  readonly inputs: readonly { readonly name: string; readonly paths: readonly string[] }[];
  readonly outputs: readonly { readonly view: string; readonly kind: string; readonly place: string }[];
}

/** An object store that all projects of a test share. */
export const objects = memoryStorage(mkdtempSync(join(tmpdir(), 'sluice-objects-')));
const storageOf = (uri: string): Storage => (uri.startsWith('mem:') ? objects : fileStorage);

/** Does the runner's work in this process, for files in any storage. */
async function run(spec: string): Promise<void> {
  const storage = storageOf(spec);
  const job = JSON.parse(String(await storage.read(spec))) as Job;
  if (!(await storage.create(job.claim, 'driver'))) throw new Error('claimed');
  const files = new Map<string, string[]>();
  for (const { name, paths } of job.inputs)
    files.set(name, await Promise.all(paths.map((path) => storageOf(path).local(path))));
  const duck = await openDuck(tmpdir(), [...files.values()].flat());
  const inputs: object[] = [];
  for (const [name, paths] of files) {
    await duck.run(`CREATE VIEW ${quoted(name)} AS SELECT * FROM ${parquet(paths)} WHERE ${own.reason} IS NULL`);
    const [n] = await duck.rows(
      `SELECT count(*) AS read, count(*) FILTER (WHERE ${own.reason} IS NULL) AS valid FROM ${parquet(paths)}`,
    );
    const [read, valid] = [Number(n?.read), Number(n?.valid)];
    inputs.push({ name, read, valid, quarantined: read - valid, reasons: {} });
  }
  await duck.run(job.sql);
  const outputs: object[] = [];
  for (const { view, kind, place } of job.outputs) {
    const file = join(duck.folder, 'part');
    await duck.run(`COPY ${quoted(view)} TO '${file}' (FORMAT parquet)`);
    await storageOf(place).upload(file, `${place}/part-0.parquet`);
    const [n] = await duck.rows(`SELECT count(*) AS rows FROM ${quoted(view)}`);
    outputs.push({ view, kind, place, rows: Number(n?.rows) });
  }
  await duck.close();
  const done = { key: job.key, state: 'succeeded', applicationId: 'here', inputs, outputs, seconds: {} };
  await storage.write(job.result, JSON.stringify(done));
}

const inline: BackendDriver = {
  kind: 'inline',
  async open() {
    const batches = new Map<string, Observation>();
    return {
      traits,
      check: async () => undefined,
      capacity,
      async submit({ spec }, key) {
        if (!batches.has(key)) {
          batches.set(key, { state: 'running', applicationId: 'here' });
          run(spec).then(
            () => batches.set(key, { state: 'succeeded', applicationId: 'here' }),
            (error: Error) => batches.set(key, { state: 'failed', detail: error.message }),
          );
        }
        return { key, id: key };
      },
      find: async (key) => (batches.has(key) ? { key, id: key } : undefined),
      observe: async ({ key }) => batches.get(key) ?? { state: 'pending', unknown: true },
      cancel: async () => undefined,
      logs: async () => [],
      classify: ({ detail }) => (detail?.includes('Parser Error') ? 'bad-sql' : undefined),
    };
  },
};

/** The messages that the bells have sent. */
export const rung: string[] = [];

const bell: NotifierDriver = {
  kind: 'bell',
  spec: z.string(),
  open: async () => ({
    async send({ to, event }) {
      if (to === 'nowhere') throw rejected('there is no such bell');
      rung.push(`${to}: ${event}`);
    },
  }),
  render: () => ({}),
  describe: String,
};

/** A trigger that starts one run for each object below a folder. */
const knock: TriggerDriver = {
  kind: 'knock',
  spec: z.strictObject({ knock: z.string() }),
  async poll({ knock: place }, { now }, { storage }) {
    const all = await storage.list(String(place));
    return {
      firings: all.map(({ uri, modifiedMs }) => ({ key: uri, due: Math.round(modifiedMs), isAlone: true })),
      cursor: all.length,
      next: now + 100,
    };
  },
  describe: ({ knock: place }) => `on a knock at ${place}`,
};

/** All built-in drivers, and these. */
export const registry: Registry = {
  sources: [...builtIn.sources, numbers],
  sinks: [...builtIn.sinks, lines],
  tasks: builtIn.tasks,
  notifiers: [...builtIn.notifiers, bell],
  telemetry: builtIn.telemetry,
  backends: [...builtIn.backends, inline],
  storages: [...builtIn.storages, memoryStorageDriver(objects)],
  triggers: [...builtIn.triggers, knock],
};

/** Writes a project with the inline backend and this pipeline. Returns the path of the pipeline's file. */
export function projectIn(root: string, pipeline: string, ...connections: string[]): string {
  mkdirSync(join(root, 'conf'), { recursive: true });
  cpSync(join(import.meta.dirname, '../../conf/stack.yaml'), join(root, 'conf/stack.yaml'));
  const lines = ['spark: { backend: inline }', 'counters: { ten: { upTo: 10 } }', ...connections];
  writeFileSync(join(root, 'conf/connections.yaml'), lines.join('\n'));
  writeFileSync(join(root, 'doubled.sql'), 'CREATE TEMP VIEW doubled AS SELECT n, 2 * n AS twice FROM counted');
  writeFileSync(join(root, 'pipeline.yaml'), pipeline);
  return join(root, 'pipeline.yaml');
}

/** A pipeline of the external kinds, with this name. */
export const doublingOf = (name: string): string => `
name: ${name}
sources: { counted: { numbers: ten, key: n } }
branches: [{ name: full }]
steps:
  double:
    spark: { sql: doubled.sql }
    outputs: [{ lines: out/doubled.jsonl, views: [doubled] }]
`;
