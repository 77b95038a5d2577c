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
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { execa, execaSync } from 'execa';

/** A whole stack for the integration tests: in its own folder, on free ports, always stopped at the end. */
const checkout = resolve(import.meta.dirname, '..');
const main = join(checkout, 'dist', 'controller', 'cli', 'main.js');
const ports = [7077, 8080, 8081, 18080, 8998, 9092, 9093, 5433, 2525, 8025];

const free = (port: number): Promise<boolean> =>
  new Promise((answer) => {
    const server = createServer();
    server.once('error', () => answer(false));
    server.listen(port, '127.0.0.1', () => server.close(() => answer(true)));
  });

async function freeOffset(): Promise<number> {
  for (let tries = 0; tries < 100; tries++) {
    const offset = 1000 + Math.floor(Math.random() * 12_000);
    const all = await Promise.all(ports.map((port) => free(port + offset)));
    if (all.every(Boolean)) return offset;
  }
  throw new Error('no ports are free');
}

export async function setup(): Promise<() => void> {
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
  process.env.SLUICE_HOME = join(folder, 'home');
  process.env.SLUICE_PORT_OFFSET = String(await freeOffset());
  process.env.SLUICE_TEST_PROJECT = project;
  process.env.SLUICE_TEST_MAIN = main;
  process.env.NO_COLOR = '1';

  let isDown = false;
  /** Synchronous, so that it also works while the process exits, after Ctrl-C for example. */
  const down = (): void => {
    if (isDown) return;
    isDown = true;
    const { all, exitCode } = execaSync(process.execPath, [main, 'down'], { cwd: project, reject: false, all: true });
    process.stdout.write(`${all}\n`);
    if (exitCode !== 0) return;
    // When run as root, PostgreSQL's data is outside the home.
    const note = join(folder, 'home', 'data', 'postgres-folder');
    if (existsSync(note)) rmSync(readFileSync(note, 'utf8'), { recursive: true, force: true });
    rmSync(folder, { recursive: true, force: true });
  };
  process.once('exit', down);
  const up = await execa(process.execPath, [main, 'up'], {
    cwd: project,
    reject: false,
    stdout: ['pipe', 'inherit'],
    stderr: ['pipe', 'inherit'],
    stdin: 'ignore',
  });
  if (up.exitCode !== 0) {
    down();
    throw new Error('the stack did not come up');
  }
  return down;
}
