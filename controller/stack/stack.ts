import type { Project } from '../config/project.ts';
import { rejected, SluiceError } from '../lib/errors.ts';
import { closeHome } from './home.ts';
import { checkJava } from './java.ts';
import { kafka } from './kafka.ts';
import { livy } from './livy.ts';
import { mailbox } from './mailbox.ts';
import { postgres } from './postgres.ts';
import { logEnd, logFile, portFree, running, start, stop, waitUntil } from './process.ts';
import type { ReportProgress, Service, ServiceName } from './service.ts';
import { historyServer, master, worker } from './spark.ts';

/** The services of the local stack, in display order. */
export const services = (project: Project): Service[] => [
  master(project),
  worker(project),
  historyServer(project),
  livy(project),
  kafka(project),
  postgres(project),
  mailbox(project),
];

/**
 * A line of `sluice status`. `unhealthy`: the stack's process lives but does not respond. `taken`: another program uses
 * the port.
 */
export interface ServiceStatus {
  readonly name: ServiceName;
  readonly state: 'up' | 'down' | 'unhealthy' | 'elsewhere' | 'taken';
  readonly url: string;
  readonly pid: number | null;
}

export const status = (project: Project): Promise<ServiceStatus[]> =>
  Promise.all(
    services(project).map(async (service) => {
      const [ours, healthy] = await Promise.all([running(project.home, service.name), service.healthy()]);
      const { name, url } = service;
      if (service.external) return { name, url, pid: null, state: healthy ? 'elsewhere' : 'down' };
      if (ours) return { name, url, pid: ours.pid, state: healthy ? 'up' : 'unhealthy' };
      const free = await Promise.all(service.ports.map(portFree));
      return { name, url, pid: null, state: free.every(Boolean) ? 'down' : 'taken' };
    }),
  );

const startTimeoutMs = 90_000;

/** Starts a service unless it runs, and waits until it is healthy. Returns what it found or did. */
export async function startService(
  project: Project,
  service: Service,
  report: ReportProgress,
): Promise<'started' | 'was up' | 'elsewhere'> {
  const { name, url } = service;
  if (service.external) {
    if (await service.healthy()) return 'elsewhere';
    throw new SluiceError(`${name} at ${url} (elsewhere in conf/stack.yaml) does not answer`, { kind: 'unavailable' });
  }
  const before = await running(project.home, name);
  if (!before) {
    for (const port of service.ports) {
      if (await portFree(port)) continue;
      throw new SluiceError(`port ${port}, which ${name} needs, is taken by another program`, {
        kind: 'unavailable',
        hint: `end that program, or move all ports with portOffset in conf/stack.yaml or SLUICE_PORT_OFFSET=1000`,
      });
    }
    report('preparing');
    const command = await service.prepare(report);
    report('starting');
    await start(project.home, name, command);
  }
  const alive = async (): Promise<boolean> => (await running(project.home, name)) !== undefined;
  let died = false;
  const up = await waitUntil(async () => {
    if (await service.healthy()) return true;
    died = !(await alive());
    return died;
  }, startTimeoutMs);
  if (!up || died) {
    const how = died ? 'ended at once' : `did not answer within ${startTimeoutMs / 1000} s`;
    const log = logFile(project.home, name);
    throw new SluiceError(`${name} ${how}; the end of ${log}:\n${await logEnd(project.home, name)}`, {
      kind: 'unavailable',
    });
  }
  await service.finish?.();
  return before ? 'was up' : 'started';
}

/** Checks the preconditions of `up`. Throws SluiceErrors. */
export async function preflight(project: Project): Promise<void> {
  for (const path of [project.root, project.home]) {
    if (!/\s/.test(path)) continue;
    throw rejected(
      `the path "${path}" has a space, and Spark's executors cannot load jars from it`,
      'move the project',
    );
  }
  await checkJava();
  await closeHome(project);
}

/** Stops what `up` started, dependents first. Returns the names of the services that were running. */
export async function stopAll(project: Project, onStopped: (name: ServiceName) => void): Promise<ServiceName[]> {
  const ended: ServiceName[] = [];
  const order: ServiceName[][] = [
    ['livy'],
    ['spark-worker', 'history-server', 'mailbox', 'kafka', 'postgres'],
    ['spark-master'],
  ];
  for (const names of order) {
    await Promise.all(
      names.map(async (name) => {
        if (await stop(project.home, name)) {
          ended.push(name);
          onStopped(name);
        }
      }),
    );
  }
  return ended;
}
