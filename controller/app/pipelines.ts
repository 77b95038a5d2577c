import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Registry } from '../adapters/drivers.ts';
import type { Project } from '../config/project.ts';
import { reasonOf } from '../lib/errors.ts';
import { type LoadedPipeline, loadPipeline } from '../pipeline/loader.ts';
import { knownIn } from './wiring.ts';

interface Watched {
  /** The version of the file that was read last. */
  readonly version: string;
  /** The last valid content. */
  readonly loaded: LoadedPipeline | undefined;
}

/** The folder whose pipelines a controller watches. */
export const pipelinesFolder = join('conf', 'pipelines');

/**
 * The pipelines of conf/pipelines/, reloaded when their files change. A pipeline with a problem keeps its last valid
 * content, and the problem is reported once. So is a name that an earlier file has.
 */
export function watchedPipelines(
  project: Project,
  registry: Registry,
  report: (problem: string) => void,
): () => Promise<readonly LoadedPipeline[]> {
  const folder = join(project.root, pipelinesFolder);
  const known = knownIn(project, registry);
  const watched = new Map<string, Watched>();
  const refused = new Set<string>();

  async function read(file: string): Promise<void> {
    const found = await stat(file).catch(() => undefined);
    const before = watched.get(file);
    const version = `${found?.mtimeMs}-${found?.size}-${found?.ino}`;
    if (before?.version === version) return;
    try {
      watched.set(file, { version, loaded: await loadPipeline(file, known, project.root) });
    } catch (error) {
      report(`${file}: ${error instanceof Error ? error.message : reasonOf(error)}`);
      watched.set(file, { version, loaded: before?.loaded });
    }
  }

  return async () => {
    const names = (await readdir(folder).catch(() => [])).filter((name) => /\.ya?ml$/.test(name)).sort();
    const files = names.map((name) => join(folder, name));
    for (const file of watched.keys()) if (!files.includes(file)) watched.delete(file);
    for (const file of files) await read(file);
    const byName = new Map<string, string>();
    return [...watched].flatMap(([file, { version, loaded }]) => {
      if (!loaded) return [];
      const first = byName.get(loaded.pipeline.name);
      if (first === undefined) {
        byName.set(loaded.pipeline.name, file);
        return loaded;
      }
      if (!refused.has(`${file} ${version}`))
        report(`${file}: ${first} has a pipeline ${loaded.pipeline.name} already`);
      refused.add(`${file} ${version}`);
      return [];
    });
  };
}
