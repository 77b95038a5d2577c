import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(import.meta.dirname, '..', '..');
const main = join(root, 'controller', 'cli', 'main.ts');
const loader = fileURLToPath(import.meta.resolve('tsx'));

/** A folder of a project without any server: a CSV source with a bad row, and a step of the embedded engine. */
export function checkout(connections = ''): string {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-served-'));
  mkdirSync(join(folder, 'conf', 'pipelines'), { recursive: true });
  cpSync(join(root, 'conf', 'stack.yaml'), join(folder, 'conf', 'stack.yaml'));
  writeFileSync(
    join(folder, 'conf', 'connections.yaml'),
    `project: served\nengine: embedded\nstore: { sqlite: store.db }\n${connections}`,
  );
  // The process of the embedded engine loads tsx from here.
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  writeFileSync(join(folder, 'orders.csv'), 'id,amount\n1,10\n2,5\n3,x\n');
  writeFileSync(join(folder, 'work.sql'), 'CREATE TEMP VIEW result AS SELECT id, amount FROM orders');
  writeFileSync(
    join(folder, 'conf', 'pipelines', 'plain.yaml'),
    `name: plain
sources: { orders: { csv: orders.csv, key: id, columns: { id: int, amount: int } } }
checks: [{ name: clean, expect: orders.invalid_ratio < 0.1, otherwise: quarantine }]
branches: [{ name: full }]
steps:
  work:
    spark: { sql: work.sql }
    outputs: [{ parquet: out, views: [result] }]
`,
  );
  return folder;
}

export interface Done {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `sluice ARGS` in a folder to its end. */
export const sluice = (folder: string, args: readonly string[], env: Record<string, string> = {}): Promise<Done> =>
  new Promise((resolve) => {
    const options = { cwd: folder, env: { ...process.env, ...env } };
    execFile(process.execPath, ['--import', loader, main, ...args], options, (error, stdout, stderr) =>
      resolve({ code: Number(error?.code ?? 0), stdout, stderr }),
    );
  });

/** A running `sluice serve`. */
export interface Served {
  readonly url: string;
  readonly child: ChildProcess;
  /** What it has printed so far. */
  readonly printed: { stdout: string; stderr: string };
  /** Sends a signal, and returns its exit code. */
  end(signal?: NodeJS.Signals): Promise<number | null>;
}

/** Starts `sluice serve` in a folder, and waits for its address. */
export async function serve(folder: string, ...args: readonly string[]): Promise<Served> {
  const all = ['serve', '--json', '--log-level', 'debug', '--bind', '127.0.0.1:0', ...args];
  const child = spawn(process.execPath, ['--import', loader, main, ...all], { cwd: folder });
  const printed = { stdout: '', stderr: '' };
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  child.stdout.on('data', (chunk) => {
    printed.stdout += chunk;
  });
  const url = await new Promise<string>((resolve, reject) => {
    child.stderr.on('data', (chunk) => {
      printed.stderr += chunk;
      const [, found] = /"url":"(http:[^"]+)"/.exec(printed.stderr) ?? [];
      if (found !== undefined) resolve(found);
    });
    void ended.then(() => reject(new Error(printed.stderr)));
  });
  return {
    url,
    child,
    printed,
    end(signal = 'SIGTERM') {
      child.kill(signal);
      return ended;
    },
  };
}
