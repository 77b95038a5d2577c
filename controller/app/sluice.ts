import { setTimeout as sleep } from 'node:timers/promises';
import type { Registry } from '../adapters/drivers.ts';
import type { Project } from '../config/project.ts';
import { formatOwner } from '../domain/controller-id.ts';
import type { Cause, Given } from '../domain/events.ts';
import type { Lease, RunStore } from '../domain/ports/store.ts';
import { fold, type RunState } from '../domain/state.ts';
import { Controller, leaseMs } from '../engine/controller.ts';
import { type DispatchResult, dispatchOutbox } from '../engine/dispatcher.ts';
import { withFaultInjection } from '../engine/fault-injection.ts';
import { LeaseLostError } from '../engine/journal.ts';
import type { Ports, RunUpdate } from '../engine/ports.ts';
import type { ClaimedRun, RunHost } from '../engine/worker.ts';
import { reasonOf, rejected } from '../lib/errors.ts';
import type { LoadedPipeline } from '../pipeline/loader.ts';
import { needsSpark } from '../planning/engine.ts';
import { notifierOf, publisherOf, taskRunnerOf } from './adapters.ts';
import { cleanUpProject } from './clean-up.ts';
import { isOwnerGone, newOwner } from './controller-id.ts';
import { byCommand, newRunName } from './new-run.ts';
import { builtIn } from './registry.ts';
import { historyReader } from './resolve-run.ts';
import { portsOf } from './run-ports.ts';
import { type Adapters, adaptersOf, backendsOf, folderOf, withStore } from './wiring.ts';

/** A run, with its lease when this process owns it. */
export type RunHandle = Omit<ClaimedRun, 'lease'> & { readonly lease: Lease | undefined };

/** The service behind the commands: this process as one controller of a project. */
export class Sluice implements RunHost {
  readonly controller: Controller;
  private readonly project: Project;
  private readonly store: RunStore;
  /** The ports that all runs share. */
  private readonly shared: Pick<Ports, 'backend' | 'embedded' | 'publisher' | 'taskRunner'>;
  private readonly adapters: Adapters;
  /** The lines of messages that are being sent. */
  private readonly sending = new Map<string, Promise<DispatchResult>>();

  private constructor(
    project: Project,
    store: RunStore,
    adapters: Adapters,
    backends: Pick<Ports, 'backend' | 'embedded'>,
    controller: Controller,
  ) {
    const { registry, context } = adapters;
    this.project = project;
    this.store = store;
    this.adapters = adapters;
    this.controller = controller;
    const publisher = publisherOf(registry, context);
    this.shared = { ...backends, publisher, taskRunner: taskRunnerOf(registry, context) };
  }

  static async open(project: Project, store: RunStore, registry: Registry = builtIn): Promise<Sluice> {
    const backends = await backendsOf(project, registry);
    const controller = new Controller({
      store,
      now: () => Math.round(performance.now()),
      sleep: (ms) => sleep(ms),
      newName: await newOwner(),
      isProcessGone: isOwnerGone,
    });
    await controller.open();
    return new Sluice(project, withFaultInjection(store), adaptersOf(project, registry), backends, controller);
  }

  close(): Promise<void> {
    return this.controller.close();
  }

  /** Registers a run for this controller, or with `detach` for any. Throws when the backend cannot take work. */
  async startRun(
    { file, pipeline }: LoadedPipeline,
    options: Pick<RunState, 'again' | 'retries'> & {
      detach?: boolean;
      /** The project has at most one run with this key. A second start returns the existing run. */
      idempotencyKey?: string;
      /** What starts the run; this command, when left out. */
      cause?: Cause;
      /** A saved plan to apply, prepared in the folder of the run. */
      given?: (folder: string) => Promise<Given>;
    },
  ): Promise<RunHandle & { readonly isNew: boolean }> {
    if (needsSpark(pipeline, this.project.connections.engine)) await this.shared.backend.check();
    const run = newRunName(new Date());
    const folder = folderOf(this.project, run);
    const given = await options.given?.(folder).catch(async (error: unknown) => {
      await this.adapters.context.storage.remove(folder);
      throw error;
    });
    const { again, retries, idempotencyKey: key } = options;
    const of = { ...(again && { again }), ...(given && { given }), ...(retries && { retries }) };
    const cause = options.cause ?? { ...byCommand(), ...(key !== undefined && { key }) };
    const { number, lease, isNew } = await this.store.create({
      run,
      pipeline: pipeline.name,
      at: this.now(),
      events: [{ type: 'run-started', run, pipeline, file, ...of, cause }],
      ...(options.detach ? {} : { owner: this.controller.owner }),
      ...(key !== undefined && { idempotencyKey: key }),
    });
    if (!isNew) {
      await this.adapters.context.storage.remove(folder);
      const before = await this.store.find(lease.run);
      if (before?.pipeline !== pipeline.name)
        throw rejected(`the idempotency key "${key}" has started run ${lease.run} of pipeline ${before?.pipeline}`);
    }
    return { run: lease.run, number, lease: options.detach || !isNew ? undefined : lease, isNew };
  }

  /**
   * Follows a run to its end and returns its state. Executes it when this controller owns it, and takes it over when
   * its controller is gone.
   */
  async followToCompletion(handle: RunHandle, onUpdate: (update: RunUpdate) => void): Promise<RunState> {
    const { run, number } = handle;
    let { lease, from } = handle;
    let seen = 0;
    const forward = (update: RunUpdate): void => {
      if (update.kind === 'event') {
        if (update.record.seq <= seen) return;
        seen = update.record.seq;
      }
      onUpdate(update);
    };
    for (;;) {
      if (lease) {
        try {
          return await this.execute({ run, number, lease, ...(from === undefined ? {} : { from }) }, forward);
        } catch (error) {
          if (!(error instanceof LeaseLostError)) throw error;
        }
      }
      const before = await this.store.find(run);
      if (lease) {
        const who = before?.owner === undefined ? 'another controller' : formatOwner(before.owner);
        onUpdate({ kind: 'note', text: `lease lost: ${who} took over run ${run}; following it` });
      }
      from = before?.owner;
      lease = await this.followUntilClaimed(run, forward);
      if (!lease) return fold(await this.store.history(run));
    }
  }

  async execute({ run, number, lease, from }: ClaimedRun, onUpdate: (update: RunUpdate) => void): Promise<RunState> {
    let ports: ReturnType<typeof portsOf>;
    try {
      ports = portsOf(this.adapters, { ...this.shared, store: this.store, onUpdate }, run, () => this.now());
    } catch (error) {
      await this.controller.releaseRun(lease);
      throw error;
    }
    try {
      return await this.controller.execute(number, lease, ports, from);
    } finally {
      await ports.sourceReader.close().catch(() => undefined);
    }
  }

  /** Reports events of a run; returns a lease when it is orphaned, undefined when it has ended. */
  private async followUntilClaimed(run: string, onUpdate: (update: RunUpdate) => void): Promise<Lease | undefined> {
    const read = historyReader(this.store, run);
    for (;;) {
      const { state, newRecords } = await read();
      for (const record of newRecords) onUpdate({ kind: 'event', record, state });
      if (state.ended) return undefined;
      const lease = await this.controller.claim(run);
      if (lease) return lease;
      await sleep(1000);
    }
  }

  /** Claims a run, and waits up to a lease for a controller that may be gone; undefined while it is active. */
  async takeOver(run: string, log: (line: string) => void): Promise<RunHandle | undefined> {
    const found = await this.store.find(run);
    if (!found) return undefined;
    const { number, owner } = found;
    await this.freeOrphan(found.run);
    const deadline = this.now() + leaseMs + 1000;
    for (let waits = 0; ; waits++) {
      const lease = await this.controller.claim(run);
      if (lease) return { run, number, lease, ...(owner === undefined ? {} : { from: owner }) };
      if (this.now() > deadline || (await this.store.find(run))?.ended !== undefined) return undefined;
      if (waits === 0 && owner !== undefined)
        log(
          `run ${run} is driven by ${formatOwner(owner)}; should that be gone, its lease ends within ${leaseMs / 1000} s`,
        );
      await sleep(500);
    }
  }

  /** Expires the controller of a run when its process is known to be gone: any controller may then claim the run. */
  async freeOrphan(run: string): Promise<void> {
    const owner = (await this.store.find(run))?.owner;
    if (owner !== undefined && (await isOwnerGone(owner))) await this.store.expire(owner);
  }

  /** Claims orphaned runs for this controller. */
  claimOrphanedRuns(limit: number, except: (run: string) => boolean): Promise<ClaimedRun[]> {
    return this.controller.claimOrphanedRuns(limit, except);
  }

  now(): number {
    return this.controller.now();
  }

  async sleep(ms: number): Promise<void> {
    await sleep(ms);
  }

  /** Dispatches the outbox, also messages of earlier runs; but for lines that an earlier call still sends. */
  dispatchOutbox(log?: (line: string) => void): Promise<DispatchResult> {
    const { registry, context } = this.adapters;
    return dispatchOutbox(this.store, notifierOf(registry, context), this.controller.owner, log, this.sending);
  }

  /** Why the gateway to Spark takes no work, if it takes none; undefined when none of the pipelines needs it. */
  async gateway(pipelines: readonly LoadedPipeline[]): Promise<{ problem: string | undefined } | undefined> {
    const { engine } = this.project.connections;
    if (!pipelines.some(({ pipeline }) => needsSpark(pipeline, engine))) return undefined;
    const problem = await this.shared.backend.check().catch(reasonOf);
    return { problem: problem ?? undefined };
  }

  /** Resolves when no message is being sent. */
  async sent(): Promise<void> {
    await Promise.allSettled(this.sending.values());
  }

  /** Cleans up after ended runs, and removes what is beyond its retention. */
  cleanUp(): Promise<void> {
    return cleanUpProject(this.adapters, { ...this.shared, store: this.store }, this.now());
  }
}

/** Runs some work as a controller of the project, with the store as `seen` gives it. */
export const withSluice = <T>(
  project: Project,
  work: (sluice: Sluice, store: RunStore) => Promise<T>,
  registry?: Registry,
  seen: (store: RunStore) => RunStore = (store) => store,
): Promise<T> =>
  withStore(project, async (opened) => {
    const store = seen(opened);
    const sluice = await Sluice.open(project, store, registry);
    try {
      return await work(sluice, store);
    } finally {
      await sluice.close();
    }
  });
