import type { Registry } from '../../adapters/drivers.ts';
import type { Project } from '../../config/project.ts';
import type { Server, ServerInfo, ServerStore } from '../../domain/ports/servers.ts';
import type { RunStore } from '../../domain/ports/store.ts';
import { version as program, release } from '../../lib/env.ts';
import type { Logger } from '../../lib/logger.ts';
import { heldBack, servedOf } from '../pipelines/agreement.ts';
import type { WatchedPipeline } from '../pipelines/watched.ts';
import { builtIn } from '../registry.ts';
import type { Service } from '../services.ts';
import { adaptersOf } from '../wiring.ts';
import { Scheduler, type SchedulerReport } from './scheduler.ts';

/** How often a server compares its pipelines with those of the others. Milliseconds. */
const compareMs = 5000;

export interface SchedulerServiceDeps {
  readonly pipelines: () => Promise<readonly WatchedPipeline[]>;
  readonly scheduler: Scheduler;
  readonly store: Pick<ServerStore, 'announce' | 'servers'>;
  /** The name of the controller, which may change. */
  readonly owner: () => string;
  readonly monotonic: () => number;
  readonly logger: Logger;
  /** What this server runs, and where its API is. */
  readonly serves: () => Pick<ServerInfo, 'services' | 'url'>;
  /** That of this deployment when it is left out. */
  readonly release?: string;
}

/**
 * The service that fires the triggers of the watched pipelines, as far as the servers agree about them. It logs
 * problems of files and disagreements when they begin and when they end.
 */
export function schedulerService(deps: SchedulerServiceDeps): Service {
  const { pipelines, scheduler, store, owner, monotonic, logger, serves } = deps;
  const log = changesTo(logger);
  let servers: readonly Server[] = [];
  let announced = '';
  let nextComparison = 0;
  return {
    name: 'scheduler',
    everyMs: 1000,
    async work() {
      const all = await pipelines();
      const me = { owner: owner(), info: { ...infoOf(all), ...serves(), release: deps.release ?? release } };
      const isChanged = announced !== JSON.stringify(me);
      if (isChanged || monotonic() >= nextComparison) {
        if (isChanged) await store.announce(me);
        announced = JSON.stringify(me);
        servers = await store.servers();
        nextComparison = monotonic() + compareMs;
      }
      const held = new Map(all.map(({ name }) => [name, heldBack(name, me, servers)]));
      for (const { name, file, problem } of all) {
        log(`file ${file}`, problem, `${file} is valid again`);
        const reason = held.get(name)?.reason;
        log(`held ${name}`, reason && `the triggers of ${name} are held: ${reason}`, `the triggers of ${name} fire`);
      }
      const firing = all.flatMap(({ name, loaded }) => (loaded && !held.get(name) ? [loaded] : []));
      const names = firing.flatMap(({ pipeline: { name, triggers = {} } }) =>
        Object.keys(triggers).map((trigger) => `${name}.${trigger}`),
      );
      log('triggers', `triggers: ${names.join(', ') || 'none'}`, '', 'info');
      await scheduler.tick(firing);
    },
  };
}

const infoOf = (pipelines: readonly WatchedPipeline[]): Omit<ServerInfo, 'services' | 'url' | 'release'> => ({
  version: program,
  node: process.versions.node,
  tzdata: process.versions.tz ?? '',
  pipelines: servedOf(pipelines),
});

/** Logs the text of a subject whenever it changes, and its end. */
function changesTo(logger: Logger) {
  const before = new Map<string, string>();
  return (subject: string, text: string | undefined, ended: string, level: 'info' | 'warn' = 'warn'): void => {
    if (before.get(subject) === text) return;
    logger.log(text === undefined ? 'info' : level, text ?? ended);
    if (text === undefined) before.delete(subject);
    else before.set(subject, text);
  };
}

/** A scheduler for the triggers of a project. */
export function openScheduler(
  project: Project,
  store: RunStore,
  report: SchedulerReport,
  registry: Registry = builtIn,
): Scheduler {
  const { context } = adaptersOf(project, registry);
  return new Scheduler({
    wakeAfter: (ms, wake) => void setTimeout(wake, ms).unref(),
    store,
    drivers: registry.triggers,
    context: { ...context, sourceKinds: registry.sources },
    monotonic: () => performance.now(),
    report,
  });
}

/** Logs what a scheduler reports. */
export const schedulerLog = (logger: Logger): SchedulerReport => ({
  entered({ loaded, name }, entered) {
    const trigger = `${loaded.pipeline.name}.${name}`;
    for (const { key, isNew, outcome, reason, run } of entered) {
      const text = `trigger ${trigger}: ${key.slice(0, 100)}: ${isNew ? outcome : `already ${outcome}`}`;
      const level = outcome === 'missed' || outcome === 'refused' ? 'warn' : 'info';
      logger.log(isNew ? level : 'debug', reason === undefined ? text : `${text}: ${reason}`, run ? { run } : {});
    }
  },
  problem({ loaded, name }, reason) {
    const trigger = `trigger ${loaded.pipeline.name}.${name}`;
    if (reason === undefined) logger.log('info', `${trigger} works again`);
    else logger.log('warn', `${trigger}: ${reason}`);
  },
  clockStepped: (byMs) =>
    logger.log('warn', `the store's clock was set by ${Math.round(byMs / 1000)} s; triggers wait until it is steady`),
});
