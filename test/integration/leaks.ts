import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Endpoints } from '../../controller/config/project.ts';
import { login, query } from './world.ts';

/** The start and end of every canary, unique to it. Only base64 changes it, apart from its case. */
const mark = `c4n${randomBytes(5).toString('hex')}`;

/** A secret of characters that are special in URLs, JSON, SQL, shells, properties and pgpass files. */
export const canary = (name: string): string => `${mark}${name} "q"'\\ %41/:é&+#{}$|${mark}`;

/** The base64 digits that depend on a text alone, for each offset in a longer text. */
const base64Of = (text: string): string[] =>
  [0, 1, 2].map((before) => {
    const bytes = Buffer.concat([Buffer.alloc(before), Buffer.from(text)]);
    return bytes.toString('base64').slice(Math.ceil((before * 8) / 6), Math.floor((bytes.length * 8) / 6));
  });

/**
 * Returns a function that searches a text for the mark and for other secrets, literally and in base64. It returns the
 * surroundings of each hit.
 */
export function needles(others: readonly string[]): (text: string) => string[] {
  const all = [mark, ...others.filter((each) => each.length > 5)];
  const pattern = new RegExp(
    [...all, ...all.flatMap(base64Of)].map((each) => each.replace(/[^\w]/g, '\\$&')).join('|'),
    'gi',
  );
  return (text) =>
    [...text.matchAll(pattern)].slice(0, 3).map(({ index }) => text.slice(Math.max(0, index - 80), index + 60));
}

/** All rows of all tables of a database, one text a table. */
export async function dump(database: string): Promise<string[]> {
  const tables = await query(
    `SELECT format('%I.%I', table_schema, table_name) AS name FROM information_schema.tables
     WHERE table_schema NOT IN ('pg_catalog', 'information_schema') AND table_type = 'BASE TABLE'`,
    database,
  );
  return Promise.all(
    tables.map(
      async ({ name }) => `${name}\n${JSON.stringify(await query(`SELECT t::text FROM ${name} t`, database))}`,
    ),
  );
}

/**
 * The stack's REST responses about the jobs of these runs; requested in turn, because the history server reads a log
 * for each.
 */
export async function answers(
  { livy, sparkMaster, historyServer }: Endpoints,
  runs: readonly string[],
): Promise<string[]> {
  const isOfRun = ({ name }: { name: string | null }): boolean => runs.some((run) => name?.includes(run));
  const headers = await login();
  const get = async (url: string): Promise<string> => (await fetch(url, { headers })).text();
  const api = `${historyServer}/api/v1/applications`;
  const batches = await get(`${livy}/batches?size=100`);
  const { sessions } = JSON.parse(batches) as { sessions: { id: number; name: string | null }[] };
  const ids = sessions.filter(isOfRun).map(({ id }) => id);
  const applications = (JSON.parse(await get(api)) as { id: string; name: string }[]).filter(isOfRun);
  const pages = [
    ...ids.flatMap((id) => [`${livy}/batches/${id}`, `${livy}/batches/${id}/log?size=1000`]),
    `${sparkMaster}/json/`,
    ...applications.flatMap(({ id }) =>
      ['', '/environment', '/sql?details=true', '/jobs', '/stages'].map((part) => `${api}/${id}${part}`),
    ),
  ];
  const texts = [batches];
  for (const page of pages) texts.push(await get(page));
  return texts;
}

/** The files below a folder that a run may have written, as bytes; links are not followed. */
export async function filesBelow(
  folder: string,
  except: (path: string) => boolean,
): Promise<{ readonly path: string; readonly text: string }[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries
    .filter((each) => each.isFile())
    .map((each) => join(each.parentPath, each.name))
    .filter((path) => !except(path));
  return Promise.all(paths.map(async (path) => ({ path, text: await readFile(path, 'latin1').catch(() => '') })));
}

/** Repeatedly inspects all processes and the files of attempts while runs are in progress. */
export class Watch {
  /** The locations of secrets. */
  readonly hits = new Set<string>();
  /** The names of attempts' files that held a secret and were readable by their owner alone. */
  readonly private = new Set<string>();
  /** All argument lists. */
  seen = '';
  private readonly home: string;
  private readonly find: (text: string) => string[];
  private readonly given = new Set<number>();
  private timer: NodeJS.Timeout | undefined;

  constructor(home: string, find: (text: string) => string[]) {
    this.home = home;
    this.find = find;
  }

  begin(): void {
    this.timer = setInterval(() => this.look(), 150);
  }

  stop(): void {
    clearInterval(this.timer);
  }

  /** Excludes a process that received secrets in its environment. */
  except(pid: number | undefined): void {
    if (pid !== undefined) this.given.add(pid);
  }

  private look(): void {
    for (const pid of readdirSync('/proc').filter((each) => /^\d+$/.test(each))) {
      const [line, environment] = ['cmdline', 'environ'].map((file) => read(join('/proc', pid, file)));
      this.seen = this.seen.includes(line ?? '') ? this.seen : `${this.seen}${line}\n`;
      for (const hit of this.find(line ?? '')) this.hits.add(`arguments: ${hit}`);
      if (!this.given.has(Number(pid)))
        for (const hit of this.find(environment ?? '')) this.hits.add(`environment of ${line}: ${hit}`);
    }
    const runs = join(this.home, 'runs');
    const files = statSync(runs, { throwIfNoEntry: false })
      ? readdirSync(runs, { recursive: true, withFileTypes: true })
      : [];
    for (const file of files) {
      const path = join(file.parentPath, file.name);
      if (!file.isFile() || this.find(read(path)).length === 0) continue;
      this.private.add(file.name);
      const mode = (statSync(path, { throwIfNoEntry: false })?.mode ?? 0o600) & 0o777;
      // A file is written beside its destination with its final mode, then renamed.
      if (mode !== 0o600 || !/^(pgpass|secrets\.json)(\.[\w-]+\.part)?$/.test(file.name))
        this.hits.add(`${path}, ${mode.toString(8)}`);
    }
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}
