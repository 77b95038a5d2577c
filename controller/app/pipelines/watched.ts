import { createHash } from 'node:crypto';
import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, join, relative, resolve } from 'node:path';
import type { Registry } from '../../adapters/drivers.ts';
import type { Project } from '../../config/project.ts';
import { kindOf, sqlFiles } from '../../domain/pipeline.ts';
import type { ServerStore } from '../../domain/ports/servers.ts';
import { reasonOf } from '../../lib/errors.ts';
import { type LoadedPipeline, loadPipeline } from '../../pipeline/loader.ts';
import { knownIn } from '../wiring.ts';

/** A file of the folder of pipelines. */
export interface WatchedPipeline {
  readonly name: string;
  /** Relative to the project. */
  readonly file: string;
  /** Of the served content: of the file and the SQL files that it names. Empty when there is none. */
  readonly version: string;
  /** The served content: the file's, or its last valid one. */
  readonly loaded: LoadedPipeline | undefined;
  /** Why the file itself cannot be used. */
  readonly problem: string | undefined;
}

/** The folder whose pipelines a controller watches. */
export const pipelinesFolder = join('conf', 'pipelines');

type Kept = Pick<ServerStore, 'keepPipeline' | 'keptPipeline'>;

interface Known extends WatchedPipeline {
  /** Changes when a file of it may have changed. */
  readonly signature: string;
  /** When a file with a problem is read again: what is wrong may be another file. By the clock of this process. */
  readonly again: number;
}

/** How many files are looked at together: each request to a webhook waits for all of them. */
const atOnce = 32;

/** How often files with a problem are read again. Milliseconds. */
const againMs = 5000;

/**
 * The pipelines of conf/pipelines/, reloaded when their files, SQL files or calendars change. A pipeline with a problem keeps its
 * last valid content, also that of an earlier process, which the store has. A name that an earlier file has is refused.
 */
export function watchedPipelines(
  project: Project,
  registry: Registry,
  store: Kept,
): () => Promise<readonly WatchedPipeline[]> {
  const folder = join(project.root, pipelinesFolder);
  const known = knownIn(project, registry);
  const watched = new Map<string, Known>();

  const partsOf = (loaded: LoadedPipeline | undefined): string[] =>
    loaded ? [...sqlOf(loaded), ...includedIn(loaded, registry)].map((file) => resolve(project.root, file)) : [];

  /** The last valid content of a file, of this process or of the store. Runs read its SQL files as they are now. */
  async function lastValid(file: string, before: Known | undefined) {
    const found = before?.loaded ? { ...before.loaded, version: before.version } : await store.keptPipeline(file);
    if (!found) return undefined;
    const sql = await Promise.all(
      sqlOf(found).map((each) => readFile(join(project.root, each), 'utf8').catch(() => '')),
    );
    return { ...found, usesTrigger: usesTrigger(found, sql) };
  }

  async function read(path: string): Promise<void> {
    const before = watched.get(path);
    const signature = await signatureOf([path, ...partsOf(before?.loaded)]);
    if (before?.signature === signature && performance.now() < before.again) return;
    const file = relative(project.root, path);
    try {
      const valid = await loadPipeline(path, known, project.root);
      const sql = await Promise.all(sqlOf(valid).map((each) => readFile(join(project.root, each), 'utf8')));
      const version = versionOf(valid, sql);
      if ((await store.keptPipeline(file))?.version !== version) await store.keepPipeline({ version, ...valid });
      const loaded = { ...valid, usesTrigger: usesTrigger(valid, sql) };
      const { name } = loaded.pipeline;
      // The files that the new content names are part of what is watched.
      const now = await signatureOf([path, ...partsOf(loaded)]);
      const again = Number.POSITIVE_INFINITY;
      watched.set(path, { signature: now, again, name, file, version, loaded, problem: undefined });
    } catch (error) {
      const kept = await lastValid(file, before);
      watched.set(path, {
        ...{ signature, again: performance.now() + againMs, file, loaded: kept, version: kept?.version ?? '' },
        name: kept?.pipeline.name ?? basename(path).replace(/\.ya?ml$/, ''),
        problem: error instanceof Error ? error.message : reasonOf(error),
      });
    }
  }

  return async () => {
    const names = (await readdir(folder).catch(() => [])).filter((name) => /\.ya?ml$/.test(name)).sort();
    const paths = names.map((name) => join(folder, name));
    for (const path of watched.keys()) if (!paths.includes(path)) watched.delete(path);
    for (let i = 0; i < paths.length; i += atOnce) await Promise.all(paths.slice(i, i + atOnce).map(read));
    const firstOf = new Map<string, string>();
    return [...watched.values()]
      .sort((a, b) => (a.file < b.file ? -1 : 1))
      .map((each) => {
        const first = firstOf.get(each.name);
        firstOf.set(each.name, first ?? each.file);
        if (first === undefined) return each;
        const problem = `${first} has a pipeline ${each.name} already`;
        return { ...each, name: `${each.name} (${each.file})`, loaded: undefined, problem };
      });
  };
}

const sqlOf = ({ pipeline }: LoadedPipeline): string[] =>
  Object.values(pipeline.steps).flatMap(({ spark }) => (spark ? sqlFiles(spark) : []));

/** The files whose content is part of triggers, such as calendars. */
const includedIn = ({ pipeline }: LoadedPipeline, { triggers }: Registry): string[] =>
  Object.values(pipeline.triggers ?? {}).flatMap((trigger) =>
    (kindOf(triggers, trigger).includes ?? []).flatMap(
      ({ field }) => (trigger[field] as { readonly file: string } | undefined)?.file ?? [],
    ),
  );

/** The inodes, sizes and times of a pipeline's files. */
async function signatureOf(paths: readonly string[]): Promise<string> {
  const found = await Promise.all(paths.map((each) => stat(each).catch(() => undefined)));
  return found.map((each) => `${each?.mtimeMs}-${each?.size}-${each?.ino}`).join(' ');
}

/** Whether the steps of a pipeline, or what it publishes, depend on what has started the run. */
function usesTrigger({ pipeline: { triggers: _, ...rest } }: LoadedPipeline, sql: readonly string[]): boolean {
  return /\btrigger\b/i.test([JSON.stringify(rest), ...sql].join('\n'));
}

function versionOf(loaded: LoadedPipeline, sql: readonly string[]): string {
  // Triggers have the content of their calendars.
  const hash = createHash('sha256')
    .update(loaded.text)
    .update(JSON.stringify(loaded.pipeline.triggers ?? {}));
  for (const [i, file] of sqlOf(loaded).entries()) hash.update(`\0${file}\0`).update(sql[i] as string);
  return hash.digest('hex').slice(0, 16);
}
