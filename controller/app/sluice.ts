import { setTimeout as sleep } from 'node:timers/promises';
import type { Registry } from '../adapters/drivers.ts';
import type { Project } from '../config/project.ts';
import { spokenOwner } from '../domain/controller-id.ts';
import type { Given } from '../domain/events.ts';
import type { BatchBackend } from '../domain/ports/backend.ts';
import type { Lease, RunStore } from '../domain/ports/store.ts';
import { fold, type RunState } from '../domain/state.ts';
import { Controller, leaseMs } from '../engine/controller.ts';
import { type Delivered, deliver } from '../engine/dispatcher.ts';
import { faulty } from '../engine/fault.ts';
import { expire, sweep } from '../engine/janitor.ts';
import { GaveWay } from '../engine/journal.ts';
import type { News, Ports } from '../engine/ports.ts';
import type { Adopted, Helm } from '../engine/worker.ts';
import { milliseconds } from '../lib/duration.ts';
import type { LoadedPipeline } from '../pipeline/loader.ts';
import { callerOf, notifierOf, publisherOf } from './adapters.ts';
import { newOwner, ownerIsDead } from './controller-id.ts';
import { byCommand, newRunName } from './new-run.ts';
import { growing } from './pick-run.ts';
import { builtIn } from './registry.ts';
import { portsOf } from './run-ports.ts';
import { fireTriggers } from './triggers.ts';
import { type Adapters, adaptersOf, backendOf, folderOf, withStore, workspaceOf } from './wiring.ts';

/** A run, and the right to drive it when this process has that. */
export type Claimed = Omit<Adopted, 'lease'> & { readonly lease: Lease | undefined };

/** This process as one of the controllers of a project: what it drives, and what it does besides. */
export class Site implements Helm {
  readonly controller: Controller;
  private readonly project: Project;
  private readonly store: RunStore;
  /** What all runs share. */
  private readonly common: Pick<Ports, 'backend' | 'publisher' | 'caller'>;
  private readonly adapters: Adapters;

  private constructor(
    project: Project,
    store: RunStore,
    adapters: Adapters,
    backend: BatchBackend,
    controller: Controller,
  ) {
    const { registry, context } = adapters;
    this.project = project;
    this.store = store;
    this.adapters = adapters;
    this.controller = controller;
    this.common = { backend, publisher: publisherOf(registry, context), caller: callerOf(registry, context) };
  }

  static async open(project: Project, store: RunStore, registry: Registry = builtIn): Promise<Site> {
    const backend = await backendOf(project, registry);
    const controller = new Controller({
      store,
      now: () => Math.round(performance.now()),
      sleep: (ms) => sleep(ms),
      newName: await newOwner(),
      isDead: ownerIsDead,
    });
    await controller.open();
    return new Site(project, faulty(store), adaptersOf(project, registry), backend, controller);
  }

  close(): Promise<void> {
    return this.controller.close();
  }

  /** Registers a run of a pipeline, for this controller or, `detached`, for whichever comes. Fails before there is one when nothing could be submitted anyway. */
  async begin(
    { file, pipeline }: LoadedPipeline,
    options: {
      again?: RunState['again'];
      detach?: boolean;
      /** The project has one run with this key; begun again, it is that one. */
      idempotencyKey?: string;
      /** What it is to keep to, made in the folder that is the run's. */
      given?: (folder: string) => Promise<Given>;
    },
  ): Promise<Claimed> {
    await this.common.backend.check();
    const run = newRunName(new Date());
    const folder = folderOf(this.project, run);
    const given = await options.given?.(folder).catch(async (error: unknown) => {
      await this.adapters.context.storage.remove(folder);
      throw error;
    });
    const { again, idempotencyKey: key } = options;
    const cause = { ...byCommand(), ...(key !== undefined && { key }) };
    const { number, lease, isNew } = await this.store.create({
      run,
      pipeline: pipeline.name,
      at: this.now(),
      events: [{ type: 'run-started', run, pipeline, file, ...(again && { again }), ...(given && { given }), cause }],
      ...(options.detach ? {} : { owner: this.controller.owner }),
      ...(key !== undefined && { idempotencyKey: key }),
    });
    if (!isNew) await this.adapters.context.storage.remove(folder);
    return { run: lease.run, number, lease: options.detach || !isNew ? undefined : lease };
  }

  /**
   * Sees a run to its end and returns its state: drives it where that is this controller's, and otherwise follows it, ready
   * to go on with it should nobody drive it any more.
   */
  async see(claimed: Claimed, told: (news: News) => void): Promise<RunState> {
    const { run, number } = claimed;
    let { lease, from } = claimed;
    let seen = 0;
    const listen = (news: News): void => {
      if (news.kind === 'event') {
        if (news.record.seq <= seen) return;
        seen = news.record.seq;
      }
      told(news);
    };
    for (;;) {
      if (lease) {
        try {
          return await this.drive({ run, number, lease, ...(from === undefined ? {} : { from }) }, listen);
        } catch (error) {
          if (!(error instanceof GaveWay)) throw error;
        }
      }
      const before = await this.store.find(run);
      if (lease) {
        const who = before?.owner === undefined ? 'another controller' : spokenOwner(before.owner);
        told({
          kind: 'note',
          text: `lease lost: ${who} took over run ${run}; following it`,
        });
      }
      from = before?.owner;
      lease = await this.followUntilFree(run, listen);
      if (!lease) return fold(await this.store.history(run));
    }
  }

  async drive({ run, number, lease, from }: Adopted, told: (news: News) => void): Promise<RunState> {
    let ports: ReturnType<typeof portsOf>;
    try {
      ports = portsOf(this.adapters, { ...this.common, store: this.store, told }, run, () => this.now());
    } catch (error) {
      await this.controller.giveBack(lease);
      throw error;
    }
    try {
      return await this.controller.drive(number, lease, ports, from);
    } finally {
      await ports.probe.close().catch(() => undefined);
    }
  }

  /** Tells a run's events as they come; a lease when nobody drives it any more, undefined when it has ended. */
  private async followUntilFree(run: string, told: (news: News) => void): Promise<Lease | undefined> {
    const read = growing(this.store, run);
    for (;;) {
      const { state, fresh } = await read();
      for (const record of fresh) told({ kind: 'event', record, state });
      if (state.ended) return undefined;
      const lease = await this.controller.claim(run);
      if (lease) return lease;
      await sleep(1000);
    }
  }

  /** The right to drive a run, waiting for the lease of a controller that may be dead; undefined while that lives. */
  async takeOver(run: string, told: (line: string) => void): Promise<Claimed | undefined> {
    const found = await this.store.find(run);
    if (!found) return undefined;
    const { number, owner } = found;
    if (owner !== undefined && (await ownerIsDead(owner))) await this.store.expire(owner);
    const deadline = this.now() + leaseMs + 1000;
    for (let waits = 0; ; waits++) {
      const lease = await this.controller.claim(run);
      if (lease) return { run, number, lease, ...(owner === undefined ? {} : { from: owner }) };
      if (this.now() > deadline || (await this.store.find(run))?.ended !== undefined) return undefined;
      if (waits === 0 && owner !== undefined)
        told(
          `run ${run} is driven by ${spokenOwner(owner)}; should that be gone, its lease ends within ${leaseMs / 1000} s`,
        );
      await sleep(500);
    }
  }

  /** Runs that nobody drives, taken over by this controller. */
  adopt(limit: number, except: (run: string) => boolean): Promise<Adopted[]> {
    return this.controller.adopt(limit, except);
  }

  now(): number {
    return this.controller.now();
  }

  async sleep(ms: number): Promise<void> {
    await sleep(ms);
  }

  /** Sends what is in the outbox, also of earlier runs. */
  mail(told?: (line: string) => void): Promise<Delivered> {
    const { registry, context } = this.adapters;
    return deliver(this.store, notifierOf(registry, context), this.controller.owner, told);
  }

  /** Starts the runs that triggers of these pipelines owe; returns their names. */
  fire(pipelines: readonly LoadedPipeline[], failed: (trigger: string, reason: string) => void): Promise<string[]> {
    return fireTriggers(this.store, this.adapters, pipelines, failed);
  }

  /** Clears away what earlier runs have left, and those that conf/ does not want to be kept any longer. */
  async sweep(): Promise<void> {
    const { runs } = this.project.connections.retention;
    const workspace = (run: string) => workspaceOf(this.adapters, run);
    const rooms = { store: this.store, ...this.common, workspaceOf: workspace };
    await sweep(rooms);
    if (runs !== undefined) await expire(rooms, milliseconds(runs));
  }
}

/** Makes this process one of the project's controllers for some work. */
export const withSite = <T>(
  project: Project,
  work: (site: Site, store: RunStore) => Promise<T>,
  registry?: Registry,
): Promise<T> =>
  withStore(project, async (store) => {
    const site = await Site.open(project, store, registry);
    try {
      return await work(site, store);
    } finally {
      await site.close();
    }
  });
