import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { hostname } from 'node:os';
import { join, resolve } from 'node:path';
import { livyBackend } from '../backends/livy.ts';
import type { BatchBackend } from '../backends/port.ts';
import { sparkMaster } from '../backends/spark-master.ts';
import { loadProject, type Project, postgresAddress, projectRoot } from '../config/project.ts';
import type { Cluster } from '../decide/sizing.ts';
import { rejected, SluiceError } from '../errors.ts';
import { emailNotifier } from '../notify/email.ts';
import { mailsOf } from '../notify/mail.ts';
import { type Delivered, deliver } from '../notify/outbox.ts';
import { type LoadedPipeline, loadPipeline } from '../pipeline/loader.ts';
import { probeOf } from '../profile/probes.ts';
import { publisherOf } from '../publish/publishers.ts';
import { Engine, leaseMs, type News, type Ports, type RunOptions } from '../run/engine.ts';
import type { RunState } from '../run/state.ts';
import { localWorkspace } from '../run/workspace.ts';
import { localSparkConf } from '../stack/spark.ts';
import type { Lease, RunStore } from '../store/port.ts';

/** Where the parts are put together; the only file that knows all adapters. */

export const scratchOf = (project: Project): string => join(project.home, 'tmp');

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
  const known = { postgres: Object.keys(postgres), kafka: Object.keys(kafka) };
  return { project, loaded: await loadPipeline(absolute, known, project.root) };
}

export const openProject = (): Promise<Project> => loadProject(process.cwd());

/** The run store; its driver is loaded only here, since several commands never need it. */
export async function openStore(project: Project): Promise<RunStore> {
  const { postgresStore } = await import('../store/postgres.ts');
  return postgresStore(postgresAddress(project, project.connections.store));
}

export function backendOf(project: Project): BatchBackend {
  const { connections, endpoints, stack } = project;
  const { livy, livyUser, livyPassword } = connections.spark;
  const local = livy === undefined && stack.elsewhere.livy === undefined;
  return livyBackend({
    url: endpoints.livy,
    user: livyUser,
    password: livyPassword,
    sparkMaster: endpoints.sparkMaster,
    historyServer: endpoints.historyServer,
    ...(local ? { conf: localSparkConf(project) } : {}),
  });
}

/** What the cluster offers now; of a cluster whose master cannot be asked, a modest guess. */
export async function clusterOf(project: Project): Promise<Cluster> {
  const capacity = await sparkMaster(project.endpoints.sparkMaster)
    .capacity()
    .catch(() => undefined);
  if (!capacity || capacity.cores === 0) return { cores: 2, executorMemory: '2g' };
  const mb = Math.min(4096, Math.floor(capacity.memoryMb * 0.8));
  return { cores: capacity.cores, executorMemory: `${mb}m` };
}

function jarOf(project: Project): string {
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

/** A run that is about to be driven: its engine, and what must be closed afterwards. */
export interface Session {
  readonly run: string;
  readonly engine: Engine;
  readonly store: RunStore;
  /** Asks for the run's end; the engine does it at its next turn. */
  cancel(by: string): Promise<void>;
  /** Sends what is in the outbox, also of earlier runs. */
  mail(): Promise<Delivered>;
  close(): Promise<void>;
}

export const newRunName = (now: Date): string =>
  `${now.toISOString().slice(0, 19).replace(/[-:]/g, '').replace('T', '-')}-${randomBytes(2).toString('hex')}`;

const owner = `${hostname()}:${process.pid}:${randomBytes(3).toString('hex')}`;

/** Begins a new run of a pipeline and takes the right to drive it. */
export async function startRun(
  project: Project,
  loaded: LoadedPipeline,
  told: (news: News) => void,
  options: RunOptions = {},
): Promise<Session> {
  const store = await openStore(project);
  try {
    await reachable(project);
    const run = newRunName(new Date());
    const number = await store.create(run, loaded.pipeline.name, Date.now());
    const lease = await store.lease(run, owner, Date.now(), Date.now() + leaseMs);
    if (!lease) throw new SluiceError(`run ${run} is driven by another controller`, { kind: 'rejected' });
    await store.append(run, lease, Date.now(), {
      events: [{ type: 'run-started', pipeline: loaded.pipeline, file: loaded.file }],
    });
    return session(project, store, run, number, lease, told, options);
  } catch (error) {
    await store.close();
    throw error;
  }
}

/** Takes over a run that nobody drives; undefined while somebody does. */
export async function takeOver(
  project: Project,
  store: RunStore,
  run: string,
  number: number,
  told: (news: News) => void,
): Promise<Session | undefined> {
  const lease = await store.lease(run, owner, Date.now(), Date.now() + leaseMs);
  return lease && session(project, store, run, number, lease, told, {});
}

/** Fails at once, rather than in the middle of a run, when nothing could be submitted anyway. */
async function reachable(project: Project): Promise<void> {
  try {
    await backendOf(project).find('sluice-is-anybody-there');
  } catch (error) {
    if (!(error instanceof SluiceError) || error.hint !== undefined) throw error;
    throw new SluiceError(error.message, {
      kind: error.kind,
      hint: 'start the local stack (`sluice up`), or correct spark in conf/connections.yaml',
      cause: error,
    });
  }
}

function session(
  project: Project,
  store: RunStore,
  run: string,
  number: number,
  lease: Lease,
  told: (news: News) => void,
  options: RunOptions,
): Session {
  const scratch = scratchOf(project);
  const probe = probeOf(project, scratch);
  const { from, language } = project.connections.mail;
  const ports: Ports = {
    probe,
    backend: backendOf(project),
    publisher: publisherOf(project, scratch),
    store,
    workspace: localWorkspace(project, run, jarOf(project)),
    cluster: () => clusterOf(project),
    report: async (run: string, state: RunState) =>
      (await import('../report/write.ts')).writeReport(project, run, state, scratch, Date.now()),
    messages: (run, state) => mailsOf(run, state, { from, language }),
    now: Date.now,
    sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
    told,
  };
  const renewal = setInterval(() => {
    store.lease(run, owner, Date.now(), Date.now() + leaseMs).catch(() => undefined);
  }, leaseMs / 3);
  const notifier = emailNotifier(project.endpoints.smtp);
  return {
    run,
    store,
    engine: new Engine(run, number, lease, ports, options),
    cancel: (by) => store.append(run, undefined, Date.now(), { events: [{ type: 'cancel-requested', by }] }),
    mail: () => deliver(store, notifier, Date.now()),
    async close() {
      clearInterval(renewal);
      await store.release(lease).catch(() => undefined);
      await probe.close();
      await store.close();
    },
  };
}
