import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import type { Project } from '../config/project.ts';
import { SluiceError } from '../errors.ts';
import { emailNotifier } from '../notify/email.ts';
import { mailsOf } from '../notify/mail.ts';
import { type Delivered, deliver } from '../notify/outbox.ts';
import type { LoadedPipeline } from '../pipeline/loader.ts';
import { probeOf } from '../profile/probes.ts';
import { publisherOf } from '../publish/publishers.ts';
import { Engine, leaseMs, type RunOptions } from '../run/engine.ts';
import type { News, Ports } from '../run/ports.ts';
import { localWorkspace } from '../run/workspace.ts';
import type { Lease, RunStore } from '../store/port.ts';
import { backendOf, clusterOf, jarOf, scratchOf } from './wiring.ts';

/** A run that this process has the right to drive, until it closes the session. */
export interface Session {
  readonly run: string;
  readonly engine: Engine;
  /** Asks for the run's end; the engine does it at its next turn. */
  cancel(by: string): Promise<void>;
  /** Sends what is in the outbox, also of earlier runs. */
  mail(): Promise<Delivered>;
  close(): Promise<void>;
}

const newRunName = (now: Date): string =>
  `${now.toISOString().slice(0, 19).replace(/[-:]/g, '').replace('T', '-')}-${randomBytes(2).toString('hex')}`;

const owner = `${hostname()}:${process.pid}:${randomBytes(3).toString('hex')}`;

/** Begins a new run of a pipeline. Fails before there is one when nothing could be submitted anyway. */
export async function startRun(
  project: Project,
  store: RunStore,
  loaded: LoadedPipeline,
  told: (news: News) => void,
  options: RunOptions,
): Promise<Session> {
  await submittable(project);
  const run = newRunName(new Date());
  const { file, pipeline } = loaded;
  const number = await store.create(run, pipeline.name, Date.now(), [{ type: 'run-started', pipeline, file }]);
  const begun = await takeOver(project, store, run, number, told, options);
  if (!begun) throw new SluiceError(`run ${run} is driven by another controller`, { kind: 'rejected' });
  return begun;
}

/** Takes over a run that nobody drives; undefined while somebody does. */
export async function takeOver(
  project: Project,
  store: RunStore,
  run: string,
  number: number,
  told: (news: News) => void,
  options: RunOptions = {},
): Promise<Session | undefined> {
  const lease = await store.lease(run, owner, Date.now(), Date.now() + leaseMs);
  return lease && session(project, store, lease, number, told, options);
}

async function submittable(project: Project): Promise<void> {
  jarOf(project);
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
  lease: Lease,
  number: number,
  told: (news: News) => void,
  options: RunOptions,
): Session {
  const { run } = lease;
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
    report: async (run, state) =>
      (await import('../report/write.ts')).writeReport(project, run, state, scratch, Date.now()),
    messages: (run, state) => mailsOf(run, state, { from, language }),
    now: Date.now,
    sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
    told,
  };
  const renewal = setInterval(() => {
    store.renew(lease, Date.now() + leaseMs).catch(() => undefined);
  }, leaseMs / 3);
  const notifier = emailNotifier(project.endpoints.smtp);
  return {
    run,
    engine: new Engine(run, number, lease, ports, options),
    cancel: (by) => store.append(run, undefined, Date.now(), { events: [{ type: 'cancel-requested', by }] }),
    mail: () => deliver(store, notifier, Date.now()),
    async close() {
      clearInterval(renewal);
      await store.release(lease).catch(() => undefined);
      await probe.close();
    },
  };
}
