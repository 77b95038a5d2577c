import { randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { openStore } from '../../controller/app/open-store.ts';
import { loadProject } from '../../controller/config/project.ts';
import type { RunEvent } from '../../controller/domain/events.ts';
import { main, query, folder as stackFolder } from '../integration/world.ts';
import { alternating, type Comparison } from './compare.ts';

const file = 'conf/pipelines/small.yaml';
const pipeline = `name: small
sources:
  one: { csv: data/*.csv, key: id, columns: { id: bigint } }
branches:
  - { name: all }
steps:
  work:
    engine: embedded
    spark: { sql: work.sql }
    outputs: [{ parquet: published, views: [total] }]
`;

/** The kinds of store that a project may have. */
const storeKinds = ['sqlite', 'postgres'] as const;
type StoreKind = (typeof storeKinds)[number];

/** The commands whose time people feel, each with its arguments; `run` counts to its first line. */
const felt = {
  runs: ['runs'],
  show: ['show'],
  plan: ['plan', file, '--full-refresh'],
  'run, to its first line': ['run', file, '--full-refresh'],
} as const;

/** Makes a project with one run, and as many copies of it as are asked for. Returns its folder. */
async function projectWithRuns(kind: StoreKind, copies: number): Promise<string> {
  const name = `history_${randomBytes(4).toString('hex')}`;
  const folder = join(stackFolder, '..', name);
  if (kind === 'postgres') await query(`CREATE DATABASE ${name}`);
  const store = kind === 'sqlite' ? '{ sqlite: runs.db }' : `{ database: ${name} }`;
  const files = {
    'conf/connections.yaml': `store: ${store}\n`,
    [file]: pipeline,
    'data/a.csv': 'id\n1\n2\n',
    'work.sql': 'CREATE OR REPLACE TEMP VIEW total AS SELECT sum(id) AS total FROM one',
  };
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
  }
  await execa(process.execPath, [main, 'run', file], { cwd: folder, stdin: 'ignore' });
  await copyRun(folder, copies);
  return folder;
}

/** Copies the only run of a project. */
async function copyRun(folder: string, copies: number): Promise<void> {
  const store = await openStore(await loadProject(folder));
  try {
    const [only] = await store.list({ limit: 1 });
    if (!only) throw new Error(`${folder} has no run`);
    const [started, ...events] = (await store.history(only.run)).map(({ event }) => event);
    const { state, branch = '', reason = '', ended = 0, quality = 1, rows = 0 } = only;
    const summary = { state, branch, reason, ended, quality, rows };
    for (let i = 0; i < copies; i++) {
      const run = `20250101-0000-${i.toString(16).padStart(4, '0')}`;
      const first = { ...(started as Extract<RunEvent, { type: 'run-started' }>), run };
      const { lease } = await store.create({
        run,
        pipeline: only.pipeline,
        at: ended,
        events: [first],
        owner: 'bench',
      });
      await store.append(lease, 1, ended, { events, summary });
      await store.cleanedUp(run);
    }
  } finally {
    await store.close();
  }
}

/** The milliseconds until a command in a folder has ended, or has printed its first line. */
async function feltTime(folder: string, command: keyof typeof felt): Promise<number> {
  const from = performance.now();
  const child = execa(process.execPath, [main, ...felt[command]], { cwd: folder, stdin: 'ignore', all: true });
  let first = Number.NaN;
  child.all.once('data', () => {
    first = performance.now() - from;
  });
  await child;
  return command.startsWith('run,') ? first : performance.now() - from;
}

/** What people feel with 10 000 runs in the store, against a store with one. */
export async function* historyComparisons(times: number): AsyncGenerator<Comparison> {
  for (const kind of storeKinds) {
    const few = await projectWithRuns(kind, 0);
    const many = await projectWithRuns(kind, 10_000);
    for (const command of Object.keys(felt) as (keyof typeof felt)[]) {
      const { a, b } = await alternating(
        times,
        () => feltTime(many, command),
        () => feltTime(few, command),
      );
      const [verb, ...part] = command.split(',');
      const name = [`\`sluice ${verb}\``, ...part, ` 10 000 runs in ${kind}`].join(',');
      yield { name, ours: a, theirs: b, unit: 'ms', against: 'one run', atMost: 1.5 };
    }
  }
}
