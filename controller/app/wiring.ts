import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { embeddedDriver } from '../adapters/backends/embedded/driver.ts';
import type { Context, Registry } from '../adapters/drivers.ts';
import { inputsOf, runFolder, runnerWorkspace } from '../adapters/runner/workspace.ts';
import type { Additions } from '../config/connections.ts';
import { allowedIn, loadProject, type Project, projectRoot, sharedOf } from '../config/project.ts';
import type { Pipeline } from '../domain/pipeline.ts';
import type { BatchBackend } from '../domain/ports/backend.ts';
import type { Storage, Uri } from '../domain/ports/storage.ts';
import type { RunStore } from '../domain/ports/store.ts';
import type { Workspace } from '../domain/ports/workspace.ts';
import { rejected } from '../lib/errors.ts';
import { didYouMean } from '../lib/suggest.ts';
import { below } from '../lib/uri.ts';
import { type LoadedPipeline, loadPipeline } from '../pipeline/loader.ts';
import type { Known } from '../pipeline/parts.ts';
import type { RowCheckOptions } from '../snapshot/row-checks.ts';
import { maximumSnapshotBytes, type SnapshotOptions } from '../snapshot/snapshot.ts';
import { classArchives } from '../stack/archive.ts';
import { closeHome } from '../stack/home.ts';
import { localSparkConf } from '../stack/spark.ts';
import { storageOf } from './adapters.ts';
import { embeddedProcess } from './engines.ts';
import { openStore } from './open-store.ts';
import { builtIn } from './registry.ts';

/** The scratch folder of this process. `sluice up` and `sluice down` remove those of dead processes. */
export const scratchOf = (project: Project): string => join(project.home, 'tmp', String(process.pid));

/** A project and one of its pipelines, by the path of its file. */
export async function openPipeline(
  path: string,
  registry: Registry = builtIn,
): Promise<{ project: Project; loaded: LoadedPipeline }> {
  const absolute = resolve(path);
  if (!existsSync(absolute))
    throw rejected(
      `there is no file ${path}`,
      'give the path of a pipeline file, such as conf/pipelines/customer-report.yaml',
    );
  const project = await loadProject(projectRoot(join(absolute, '..')), additionsOf(registry));
  return { project, loaded: await loadPipeline(absolute, knownIn(project, registry), project.root) };
}

/** The names that a project's pipelines may use. */
export const knownIn = (project: Project, registry: Registry): Known => ({
  kinds: registry,
  connections: connectionsOf(project),
  allow: allowedIn(project),
});

export const openProject = (registry: Registry = builtIn): Promise<Project> =>
  loadProject(process.cwd(), additionsOf(registry));

/** What drivers add to conf/connections.yaml. */
const additionsOf = ({ sources, sinks, tasks, notifiers, telemetry }: Registry): Additions => ({
  notifiers,
  sections: Object.fromEntries(
    [...sources, ...sinks, ...tasks, ...notifiers, ...telemetry].flatMap(({ connection }) =>
      connection?.spec ? [[connection.section, connection.spec]] : [],
    ),
  ),
});

/** The names of the connections in each section. */
const connectionsOf = ({ connections }: Project): Record<string, string[]> =>
  Object.fromEntries(Object.entries(connections).map(([section, all]) => [section, Object.keys(all as object)]));

/** Opens the run store for some work and closes it afterwards. */
export async function withStore<T>(project: Project, work: (store: RunStore) => Promise<T>): Promise<T> {
  await closeHome(project);
  const store = await openStore(project);
  try {
    return await work(store);
  } finally {
    await store.close();
  }
}

/** The backend that conf/ names, and the embedded engine. */
export async function backendsOf(
  project: Project,
  registry: Registry = builtIn,
): Promise<{ readonly backend: BatchBackend; readonly embedded: BatchBackend }> {
  const { backends } = registry;
  const wanted = project.connections.spark.backend;
  const driver = backends.find(({ kind }) => kind === wanted);
  if (!driver)
    throw rejected(
      `spark.backend in conf/connections.yaml is "${wanted}"${didYouMean(
        wanted,
        backends.map(({ kind }) => kind),
      )}`,
      `it is one of ${backends.map(({ kind }) => kind).join(', ')}`,
    );
  const { storage } = adaptersOf(project, registry).context;
  const local = { conf: () => localSparkConf(project), archives: () => classArchives(project) };
  const context = { project, storage, local, embedded: embeddedProcess };
  return { backend: await driver.open(context), embedded: await embeddedDriver.open(context) };
}

/** The drivers, and the context to open them with. */
export interface Adapters {
  readonly registry: Registry;
  readonly context: Context;
}

export function adaptersOf(project: Project, registry: Registry = builtIn): Adapters {
  const scratch = scratchOf(project);
  return { registry, context: { project, scratch, storage: storageOf(registry, { project, scratch }) } };
}

/** Where the snapshots of a run are, given its folder. */
export const snapshotsIn = ({ storage }: { readonly storage: Storage }, folder: Uri): SnapshotOptions => ({
  storage,
  folder: inputsOf(folder),
  maximumBytes: maximumSnapshotBytes,
});

/** The folder of a run. */
export const folderOf = (project: Project, run: string): Uri => runFolder(sharedOf(project), run);

/** The folder of a pipeline's repaired rows. */
export const repairsFolder = (project: Project, pipeline: string): Uri => below(sharedOf(project), 'repairs', pipeline);

/** Options of the row checks of a run, by the folder of the run. */
export const rowCheckOptionsOf = (context: Context, pipeline: Pipeline, folder: Uri): RowCheckOptions => ({
  snapshots: snapshotsIn(context, folder),
  quarantine: below(folder, 'quarantine'),
  repairs: repairsFolder(context.project, pipeline.name),
  scratch: context.scratch,
});

/** The files of a run's attempts, and their staging places. */
export const workspaceOf = ({ registry, context: { project, storage } }: Adapters, run: string): Workspace =>
  runnerWorkspace({ project, run, storage, registry });
