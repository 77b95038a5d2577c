import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { livyBackend } from '../adapters/backends/livy/livy.ts';
import { sparkMaster } from '../adapters/backends/livy/spark-master.ts';
import { localWorkspace } from '../adapters/runner/workspace.ts';
import { postgresStore } from '../adapters/store/postgres/store.ts';
import { postgresAddress } from '../config/addresses.ts';
import { addressOf, isLocal, splitLogin, stackLogin } from '../config/login.ts';
import { allowedIn, loadProject, type Project, projectRoot } from '../config/project.ts';
import type { Pipeline } from '../domain/pipeline.ts';
import type { Cluster } from '../domain/plan.ts';
import type { BatchBackend } from '../domain/ports/backend.ts';
import type { RunStore } from '../domain/ports/store.ts';
import type { Workspace } from '../domain/ports/workspace.ts';
import { reasonOf, rejected, SluiceError } from '../lib/errors.ts';
import { type LoadedPipeline, loadPipeline } from '../pipeline/loader.ts';
import { upToBytes } from '../snapshot/keep.ts';
import type { Review } from '../snapshot/review.ts';
import { classArchives } from '../stack/archive.ts';
import { closeHome } from '../stack/home.ts';
import { localSparkConf } from '../stack/spark.ts';
import { stagedAt } from './sinks.ts';

/** Where the parts are made from conf/; with site.ts the only files that know all adapters. */

/** A folder of this process's own: `sluice down` removes those of processes that are gone. */
export const scratchOf = (project: Project): string => join(project.home, 'tmp', String(process.pid));

/** A project and one of its pipelines, by the file's path. */
export async function openPipeline(path: string): Promise<{ project: Project; loaded: LoadedPipeline }> {
  const absolute = resolve(path);
  if (!existsSync(absolute))
    throw rejected(
      `there is no file ${path}`,
      'give the path of a pipeline file, such as conf/pipelines/customer-report.yaml',
    );
  const project = await loadProject(projectRoot(join(absolute, '..')));
  const { postgres, kafka } = project.connections;
  const known = { postgres: Object.keys(postgres), kafka: Object.keys(kafka), allow: allowedIn(project) };
  return { project, loaded: await loadPipeline(absolute, known, project.root) };
}

export const openProject = (): Promise<Project> => loadProject(process.cwd());

/** Opens the run store for some work and closes it afterwards. */
export async function withStore<T>(project: Project, work: (store: RunStore) => Promise<T>): Promise<T> {
  await closeHome(project);
  const store = await postgresStore(postgresAddress(project, project.connections.store), project.home);
  try {
    return await work(store);
  } finally {
    await store.close();
  }
}

export function backendOf(project: Project): BatchBackend {
  const { connections, endpoints } = project;
  const { livyUser, livyPassword } = connections.spark;
  const local = isLocal(project, 'livy');
  const login = local ? stackLogin(project.home) : undefined;
  return livyBackend({
    url: endpoints.livy,
    user: livyUser ?? login?.user,
    password: livyPassword ?? login?.password,
    sparkMaster: addressOf(project, 'sparkMaster'),
    historyServer: splitLogin(endpoints.historyServer).url,
    ...(local ? { conf: localSparkConf(project), archives: () => classArchives(project) } : {}),
  });
}

/** What the cluster offers now; of a cluster whose master cannot be asked, a modest guess that says why it is one. */
export async function clusterOf(project: Project): Promise<Cluster> {
  const guess = (assumed: string): Cluster => ({ cores: 2, largestMb: 2560, assumed });
  const total = (cores: readonly number[]): number => cores.reduce((sum, own) => sum + own, 0);
  const capacity = await sparkMaster(addressOf(project, 'sparkMaster'))
    .capacity()
    .catch((error: unknown) => reasonOf(error));
  if (typeof capacity === 'string') return guess(capacity);
  const { cores, freeCores, memoryMb: largestMb } = capacity;
  if (total(cores) === 0) return guess('no worker is alive');
  const busy = total(freeCores) === 0;
  const workers = (busy ? cores : freeCores).filter((own) => own > 0);
  return { cores: total(workers), workers, largestCores: Math.max(...cores), largestMb, ...(busy ? { busy } : {}) };
}

/** Where the repaired rows of a pipeline's sources are. */
export const repairsFolder = (project: Project, pipeline: string): string => join(project.home, 'repairs', pipeline);

/** Where the rows of a run are looked at once more, by the folder that is the run's. */
export const reviewOf = (project: Project, pipeline: Pipeline, folder: string): Review => ({
  keeping: { folder: join(folder, 'inputs'), upToBytes },
  quarantine: join(folder, 'quarantine'),
  repairs: repairsFolder(project, pipeline.name),
  scratch: scratchOf(project),
});

export function jarOf(project: Project): string {
  const own = project.connections.spark.jar;
  if (own !== undefined) return own;
  const built = join(project.root, 'spark-jobs', 'target', 'spark-runner.jar');
  if (!existsSync(built)) {
    throw new SluiceError(`the Spark runner is not built: there is no ${built}`, {
      kind: 'unavailable',
      hint: 'build it: mvn -f spark-jobs/pom.xml package -DskipTests',
    });
  }
  return `local:${built}`;
}

/** The files of a run's attempts, and where they stage their output. */
export const workspaceOf = (project: Project, run: string): Workspace =>
  localWorkspace({
    project,
    run,
    jar: jarOf(project),
    stage: (output, key, rowsOf) => stagedAt(project.root, output, key, rowsOf),
  });
