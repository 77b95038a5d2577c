import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { query, said, folder as stackFolder, start } from './world.ts';

/** A project of its own with a database of its own on the stack. Returns its folder and the database. */
export async function ownProject(
  name: string,
  files: Readonly<Record<string, string>>,
  connections = '',
): Promise<{ folder: string; database: string }> {
  const database = name.replaceAll('-', '_');
  const folder = join(dirname(stackFolder), name);
  await query(`DROP DATABASE IF EXISTS ${database} WITH (FORCE)`);
  await query(`CREATE DATABASE ${database}`);
  const limits = 'limits: { reads: { perSecond: 5000, burst: 9000 }, writes: { perSecond: 5000, burst: 9000 } }';
  const all = {
    'conf/connections.yaml': `store: { database: ${database} }\nserve: { ${limits} }\n${connections}`,
    ...files,
  };
  for (const [path, text] of Object.entries(all)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
  }
  return { folder, database };
}

type Child = ReturnType<typeof start>;

/** Servers of a project that are killed and started again. */
export class Servers {
  kills = 0;
  private readonly children: (Child | undefined)[] = [];
  private readonly urls: string[] = [];
  private readonly folder: string;
  private readonly args: readonly string[];
  private readonly env: Record<string, string>;

  constructor(folder: string, args: readonly string[] = [], env: Record<string, string> = {}) {
    this.folder = folder;
    this.args = args;
    this.env = env;
  }

  /** The address of a server that runs, or is being started. */
  url(i: number): string {
    return this.urls[i % this.urls.length] as string;
  }

  /** Starts a server, again when it ends because its store is away. */
  async start(i: number): Promise<void> {
    for (let tries = 0; ; tries++) {
      try {
        return await this.startOnce(i);
      } catch (error) {
        if (tries === 10) throw error;
      }
      await sleep(300);
    }
  }

  private async startOnce(i: number): Promise<void> {
    const args = ['serve', '--bind', '127.0.0.1:0', '--log-format', 'json', ...this.args];
    const child = start(args, this.env, this.folder);
    this.children[i] = child;
    const [, url = ''] = await said(child, /"url":"(http[^"]+)"/);
    this.urls[i] = url;
  }

  /** Kills a server without a word, and starts it again once something is so. */
  async killed(i: number, isSo: () => Promise<void> = async () => undefined): Promise<void> {
    this.kills += 1;
    this.children[i]?.kill('SIGKILL');
    await this.children[i];
    await isSo();
    await this.start(i);
  }

  /** Kills servers in turn, at times that a seed gives, until it is stopped. Returns how to stop. */
  harass(random: () => number, everyMs: number): () => Promise<void> {
    let stopped = false;
    const work = (async () => {
      for (let i = 0; !stopped; i++) {
        await sleep(everyMs * (0.5 + random()));
        if (!stopped) await this.killed(i % this.children.length);
      }
    })();
    return async () => {
      stopped = true;
      await work;
    };
  }

  async stop(): Promise<void> {
    for (const child of this.children) child?.kill('SIGTERM');
    await Promise.all(this.children);
  }
}

/** Resolves when something is so. */
export async function until(isSo: () => Promise<boolean>, withinMs = 60_000): Promise<void> {
  for (const end = performance.now() + withinMs; !(await isSo()); await sleep(200))
    if (performance.now() > end) throw new Error(`not so within ${withinMs} ms`);
}

/** Numbers from 0 to 1 by a seed. */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
