import { cp, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import type pg from 'pg';
import { connectPostgres } from '../../controller/clients/postgres.ts';
import { postgresAddress } from '../../controller/config/addresses.ts';
import { addressOf, splitLogin } from '../../controller/config/login.ts';
import { loadProject, type Project } from '../../controller/config/project.ts';

const wanted = (name: string): string => {
  const value = process.env[name];
  if (value === undefined) throw new Error(`${name} is not set: integration tests run through vitest's global setup`);
  return value;
};

/** The folder that represents a user's checkout. */
export const folder = wanted('SLUICE_TEST_PROJECT');
export const main = wanted('SLUICE_TEST_MAIN');
const home = wanted('SLUICE_HOME');
export const project = (): Promise<Project> => loadProject(folder);

/** The headers with the login of the stack's web pages and REST APIs. */
export const login = async (): Promise<Record<string, string>> =>
  splitLogin(addressOf(await project(), 'mailbox')).headers;

export interface Said {
  readonly exitCode: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/** Starts `sluice ARGS` as a user would, in the project or another folder. */
export function start(args: readonly string[], env: Record<string, string> = {}, cwd = folder) {
  const child = execa(process.execPath, [main, ...args], { cwd, reject: false, env, stdin: 'ignore' });
  const hear = (chunk: Buffer): void => {
    const ears = heard.get(child) ?? { text: '', listeners: new Set() };
    ears.text += chunk.toString();
    for (const listener of ears.listeners) listener();
  };
  heard.set(child, { text: '', listeners: new Set() });
  child.stdout?.on('data', hear);
  child.stderr?.on('data', hear);
  return child;
}

/** The output of each command so far, and its listeners. */
const heard = new WeakMap<object, { text: string; readonly listeners: Set<() => void> }>();

/** Runs `sluice ARGS` to its end. */
export async function sluice(...args: string[]): Promise<Said> {
  const { exitCode, stdout, stderr } = await start(args);
  return { exitCode, stdout, stderr };
}

/** Runs `sluice ARGS --json` and reads its document. Standard output may have nothing else. */
export async function sluiceJson(
  ...args: string[]
): Promise<{ exitCode: number | undefined; doc: RunDocument; stderr: string }> {
  const { exitCode, stdout, stderr } = await sluice(...args, '--json');
  return { exitCode, doc: JSON.parse(stdout) as RunDocument, stderr };
}

/** The parts of `sluice show --json` that tests use. */
export interface RunDocument {
  readonly run: string;
  readonly state: string;
  readonly branch: string;
  readonly reason: string;
  readonly sources: Record<
    string,
    {
      rows: number;
      valid: number;
      quarantined: number;
      reasons: Record<string, number>;
      new: number;
      duplicates: number;
    }
  >;
  readonly steps: {
    name: string;
    state: string;
    reason: string;
    attempts: {
      key: string;
      ui: string | null;
      started: string;
      ended: string | null;
      engine: 'spark' | 'embedded' | null;
      settings: { executorMemory: string; driverMemory: string; executorCores: number } | null;
      answer: { status?: number; body: unknown } | null;
      submission: string | null;
      application: string | null;
      failure: string | null;
      message: string | null;
      joins: { view: string; on: string | null; left: number; right: number; rows: number }[];
      read: { name: string; read: number; valid: number; quarantined: number }[];
    }[];
  }[];
  readonly outputs: { view: string; kind: string; where: string; rows: number }[];
  readonly messages: { event: string; to: string; state: string; note?: string }[];
  readonly timeline?: {
    what: string;
    from: string;
    ms: number | null;
    outcome: string;
    parts: Record<string, number>;
  }[];
  readonly report: { file?: string; problem?: string } | null;
  readonly error?: { kind: string; message: string };
}

export async function query(sql: string, database = 'shop'): Promise<pg.QueryResultRow[]> {
  const client = await connectPostgres(postgresAddress(await project(), { database }));
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

export interface Mail {
  readonly id: string;
  readonly to: string;
  readonly subject: string;
  readonly text: string;
}

/** The mails in the mailbox, oldest first; of one run, if it is named. */
export async function mails(run?: string): Promise<Mail[]> {
  const { endpoints } = await project();
  const all = (await (await fetch(`${endpoints.mailbox}/mails.json`, { headers: await login() })).json()) as Mail[];
  return all.reverse().filter((mail) => run === undefined || mail.text.includes(run));
}

/** Writes a file of the project and returns its path. */
export async function write(path: string, text: string | Uint8Array): Promise<string> {
  await mkdir(dirname(join(folder, path)), { recursive: true });
  await writeFile(join(folder, path), text);
  return path;
}

export const read = (path: string): Promise<string> => readFile(join(folder, path), 'utf8');

/**
 * A pipeline of three CSV rows and one step, which takes Spark some seconds. `step` replaces the lines of the step,
 * `extra` is appended.
 */
export async function smallPipeline(
  name: string,
  options: { sql?: string; spark?: string; step?: string; extra?: string; top?: string; outputs?: string } = {},
): Promise<string> {
  await write('data/small/a.csv', 'id,note\n1,one\n2,two\n3,three\n');
  await write(`sql/${name}.sql`, options.sql ?? 'CREATE OR REPLACE TEMP VIEW result AS SELECT id, note FROM small');
  const both = `      - { postgres: shop, schema: ${name.replaceAll('-', '_')}, views: [result] }
      - { csv: data/published/${name}, views: [result] }`;
  const steps = options.step ?? '    retry: { maximumAttempts: 2, initialInterval: 1s }';
  return write(
    `conf/pipelines/${name}.yaml`,
    `name: ${name}
sources:
  small: { csv: data/small/*.csv, key: id, columns: { id: bigint, note: string } }
branches:
  - { name: all }
steps:
  work:
    spark: { sql: sql/${name}.sql, ${options.spark ?? 'executorMemory: 512m, driverMemory: 512m'} }
    outputs:
${options.outputs ?? both}
${steps}
${options.extra ?? ''}
${options.top ?? ''}
notify:
  - { email: team@example.org, on: [succeeded, degraded, failed, cancelled] }
`,
  );
}

/** Resolves with the match when the output of a command has the pattern, also if it was printed before. */
export function said(child: ReturnType<typeof start>, pattern: RegExp): Promise<RegExpExecArray> {
  const ears = heard.get(child);
  if (!ears) throw new Error('not one of ours');
  return new Promise((resolve, reject) => {
    const look = (): void => {
      const match = pattern.exec(ears.text);
      if (!match) return;
      ears.listeners.delete(look);
      resolve(match);
    };
    ears.listeners.add(look);
    look();
    child.then(() => reject(new Error(`it ended without saying ${pattern}:\n${ears.text}`)), reject);
  });
}

/** SQL of which two tasks call a static method of Java first, which may take its time: a task that waits needs no core. */
export const waiting = (call: string): string =>
  `CREATE OR REPLACE TEMP VIEW result AS SELECT id, note, (
     SELECT count(done) FROM (SELECT java_method(${call}) AS done FROM range(0, 2, 1, 2))) AS n FROM small`;
/** SQL that never ends by itself. */
export const endless = waiting("'java.lang.Thread', 'sleep', 86400000L");

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

export const pidOf = async (name: string): Promise<number> => {
  const services = (await sluiceJson('status')).doc as unknown as { name: string; pid: number }[];
  return services.find((service) => service.name === name)?.pid as number;
};
export const lastRun = async (): Promise<RunDocument> => (await sluiceJson('show')).doc;

/** A second folder that is the same project to the store, with a changed conf/connections.yaml. */
export async function otherProject(name: string, change: (connections: string) => string): Promise<string> {
  const other = join(dirname(folder), name);
  await mkdir(join(other, 'conf'), { recursive: true });
  for (const file of ['connections.yaml', 'stack.yaml'])
    await cp(join(folder, 'conf', file), join(other, 'conf', file));
  await cp(join(folder, 'conf', 'stack'), join(other, 'conf', 'stack'), { recursive: true });
  for (const shared of ['data', 'sql', 'spark-jobs', 'conf/pipelines']) {
    await mkdir(join(folder, shared), { recursive: true });
    await symlink(join(folder, shared), join(other, shared)).catch(() => undefined);
  }
  const file = join(other, 'conf', 'connections.yaml');
  await writeFile(file, `${change(await readFile(file, 'utf8'))}\nproject: ${(await project()).name}\n`);
  return other;
}

/** JVMs of this stack's jobs whose command lines contain its home and all of these words. */
export async function processesWith(...words: string[]): Promise<number[]> {
  const pids = (await readdir('/proc')).filter((each) => /^\d+$/.test(each));
  const found = await Promise.all(
    pids.map(async (pid) => {
      const line = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
      return [home, ...words].every((word) => line.includes(word)) ? [Number(pid)] : [];
    }),
  );
  return found.flat();
}

/** Applications of a key, as the Spark master lists them. */
export async function applications(key: string): Promise<{ id: string; state: string; active: boolean }[]> {
  const { endpoints } = await project();
  const page = (await (await fetch(`${endpoints.sparkMaster}/json/`, { headers: await login() })).json()) as Record<
    'activeapps' | 'completedapps',
    { id: string; name: string; state: string }[]
  >;
  const of = (list: 'activeapps' | 'completedapps', active: boolean) =>
    page[list].filter((app) => app.name === key).map(({ id, state }) => ({ id, state, active }));
  return [...of('activeapps', true), ...of('completedapps', false)];
}
