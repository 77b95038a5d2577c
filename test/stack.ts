import {
  appendFileSync,
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { execa, execaSync } from 'execa';
import { freeOffsets } from './ports.ts';

/** A whole stack for the integration tests: in its own folder, on free ports, always stopped at the end. */
const checkout = resolve(import.meta.dirname, '..');
const main = join(checkout, 'dist', 'controller', 'cli', 'main.js');

/** A stack that is up: the environment that leads to it, and what ends it. */
export interface Stack {
  readonly env: Readonly<Record<string, string>>;
  readonly down: () => Promise<void>;
}

/** One stack for a script: this process and its commands find it. Returns what ends it. */
export async function setup(): Promise<Stack['down']> {
  const [offset = 0] = await freeOffsets(1);
  const { env, down } = await startStack(offset);
  Object.assign(process.env, env);
  return down;
}

export async function startStack(offset: number): Promise<Stack> {
  if (!existsSync(main)) throw new Error('the controller is not compiled: npm run build');
  const folder = mkdtempSync(join(tmpdir(), 'sluice-test-'));
  chmodSync(folder, 0o755);
  const project = join(folder, 'project');
  mkdirSync(project);
  cpSync(join(checkout, 'conf'), join(project, 'conf'), { recursive: true });
  symlinkSync(join(checkout, 'spark-jobs'), join(project, 'spark-jobs'));
  // Projects of a test share files by links. Jobs behind a proxied Livy set what the local stack sets for its own.
  const allowed = "['spark.driver.host', 'spark.driver.bindAddress', 'spark.ui.port']";
  appendFileSync(
    join(project, 'conf', 'connections.yaml'),
    `allow: { paths: ['${checkout}', '${folder}'], sparkConf: ${allowed} }\n`,
  );
  const env = {
    SLUICE_HOME: join(folder, 'home'),
    SLUICE_PORT_OFFSET: String(offset),
    SLUICE_TEST_PROJECT: project,
    SLUICE_TEST_MAIN: main,
    NO_COLOR: '1',
  };

  let isDown = false;
  const command = { cwd: project, env, reject: false, all: true } as const;
  const clear = ({ all, exitCode }: { readonly all: string; readonly exitCode?: number | undefined }): void => {
    isDown = true;
    // A stack that did not stop is kept for inspection.
    if (exitCode !== 0) return void process.stdout.write(`${all}\n`);
    // When run as root, PostgreSQL's data is outside the home.
    const note = join(folder, 'home', 'data', 'postgres-folder');
    if (existsSync(note)) rmSync(readFileSync(note, 'utf8'), { recursive: true, force: true });
    rmSync(folder, { recursive: true, force: true });
  };
  const down = async (): Promise<void> => {
    if (!isDown) clear(await execa(process.execPath, [main, 'down'], command));
  };
  // At once, as the process is on its way out: after Ctrl-C, say.
  process.once('exit', () => {
    if (!isDown) clear(execaSync(process.execPath, [main, 'down'], command));
  });
  const up = await execa(process.execPath, [main, 'up'], {
    cwd: project,
    env,
    reject: false,
    stdout: ['pipe', 'inherit'],
    stderr: ['pipe', 'inherit'],
    stdin: 'ignore',
  });
  if (up.exitCode !== 0) {
    await down();
    throw new Error('the stack did not come up');
  }
  return { env, down };
}
