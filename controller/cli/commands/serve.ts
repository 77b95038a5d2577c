import { judgeService } from '../../app/alerts/service.ts';
import { watchedPipelines } from '../../app/pipelines/watched.ts';
import { builtIn } from '../../app/registry.ts';
import { runServices } from '../../app/services.ts';
import { type Sluice, withSluice } from '../../app/sluice.ts';
import { Looks } from '../../app/triggers/looks.ts';
import { openScheduler, schedulerLog, schedulerService } from '../../app/triggers/service.ts';
import { openProject } from '../../app/wiring.ts';
import { formatOwner } from '../../domain/controller-id.ts';
import type { RunStore } from '../../domain/ports/store.ts';
import { Worker } from '../../engine/worker.ts';
import { atMostEvery } from '../../lib/at-most-every.ts';
import { milliseconds } from '../../lib/duration.ts';
import { isRoot } from '../../lib/env.ts';
import { reasonOf, SluiceError, withoutSecrets } from '../../lib/errors.ts';
import type { LogLevel } from '../../lib/logger.ts';
import { within } from '../../lib/within.ts';
import { storeTimes } from '../../server/metrics/request-times.ts';
import { timedStore } from '../../server/metrics/timed-store.ts';
import { apiOf } from '../../server/service.ts';
import { bindOf, startServer } from '../../server/start.ts';
import { jsonLogger, logUpdates, prettyLogger } from '../view/log.ts';
import { exit, type Output } from '../view/output.ts';

/** How long a server that has failed may take to stop. Milliseconds. */
const failMs = 10_000;
/** How long the dispatcher waits for messages that are being sent before it looks again, and when it stops. Milliseconds. */
const sendingMs = { look: 1000, stop: 10_000 };
/** How often the files of pipelines are looked at: for requests, which come in hundreds, and by the scheduler. Milliseconds. */
const filesMs = { requests: 200, scheduler: 2500 };

/**
 * `sluice serve`: a controller that executes detached and orphaned runs, dispatches the outbox, cleans up, and serves
 * the API, until Ctrl-C.
 */
export async function serve(
  output: Output,
  options: { runs: number; bind?: string; drain?: string; logLevel: LogLevel; logFormat?: 'json' | 'pretty' },
): Promise<number> {
  const { logLevel, logFormat = output.isTerminal ? 'pretty' : 'json' } = options;
  const stream = output.json ? process.stderr : process.stdout;
  const logger = logFormat === 'json' ? jsonLogger(logLevel, stream) : prettyLogger(logLevel, output);
  const leaving = new AbortController();
  const leave = (): void => leaving.abort();
  let isBroken = false;
  /** Hands back the leases after an unforeseen error, and ends although something may hang. */
  const fail = (error: unknown): void => {
    logger.log('error', `unexpected, and the server stops: ${withoutSecrets(reasonOf(error))}`);
    isBroken = true;
    leave();
    setTimeout(() => process.exit(exit.failed), failMs).unref();
  };
  process.on('SIGINT', leave).on('SIGTERM', leave).on('uncaughtException', fail);
  try {
    const project = await openProject();
    const bind = bindOf(project, options.bind);
    if (isRoot) logger.log('warn', 'the server runs as root; another user would be safer');
    const measured = { storeTimes: storeTimes(), looks: new Looks() };
    const seen = (store: RunStore) => timedStore(store, (op, seconds) => measured.storeTimes.observe({ op }, seconds));
    const work = async (sluice: Sluice, store: RunStore): Promise<number> => {
      logger.log(
        'info',
        `controller ${formatOwner(sluice.controller.owner)} started; Ctrl-C stops it and releases its runs`,
      );
      const loggers = new Map<string, ReturnType<typeof logUpdates>>();
      const worker = new Worker(sluice, (run, update) => {
        const logUpdate = loggers.get(run) ?? logUpdates(logger, run);
        loggers.set(run, logUpdate);
        logUpdate(update);
        if (update.kind === 'event' && update.record.event.type === 'run-ended') loggers.delete(run);
      });
      worker.start(options.runs);
      const warn = (text: string): void => logger.log('warn', text);
      const pipelines = atMostEvery(filesMs.requests, watchedPipelines(project, builtIn, store));
      const scheduler = openScheduler(project, store, {
        ...schedulerLog(logger),
        looked: (of, looked) => measured.looks.note(of, looked),
      });
      const api = await apiOf(project, sluice, store, pipelines, builtIn, measured);
      let url: string | undefined;
      const services = [
        schedulerService({
          pipelines: atMostEvery(filesMs.scheduler, pipelines),
          scheduler,
          store,
          owner: () => sluice.controller.owner,
          monotonic: () => performance.now(),
          logger,
          serves: () => ({ services: serviceNames(url), ...(url !== undefined && { url }) }),
        }),
        { name: 'dispatcher', everyMs: 1000, work: () => within(sendingMs.look, sluice.dispatchOutbox(warn)) },
        judgeService({
          ...{ project, store, pipelines, logger, notifiers: builtIn.notifiers },
          triggers: () => api.triggers.list(),
          gateway: async () => (await api.gateway())?.problem,
          owner: () => sluice.controller.owner,
          monotonic: () => performance.now(),
        }),
        { name: 'janitor', everyMs: 30_000, work: () => sluice.cleanUp() },
      ];
      const server = await startServer(project, api, bind, logger);
      url = server?.url;
      await runServices(services, leaving.signal, (service, error) => {
        const isKnown = error instanceof SluiceError;
        logger.log(isKnown ? 'warn' : 'error', `${service}: ${isKnown ? '' : 'unexpected: '}${reasonOf(error)}`);
      });
      await Promise.all([server?.stop(), scheduler.stop(), within(sendingMs.stop, sluice.sent())]);
      if (worker.size > 0 && options.drain !== undefined)
        logger.log('info', `waiting up to ${options.drain} for ${worker.size} runs in progress`);
      const left = await worker.stop(milliseconds(options.drain ?? '0s'));
      logger.log(
        'info',
        left.length === 0 ? 'no runs in progress' : `released to the next controller: ${left.join(', ')}`,
      );
      output.document({ left, url: server?.url ?? null });
      return isBroken ? exit.failed : exit.ok;
    };
    return await withSluice(project, work, builtIn, seen);
  } finally {
    process.off('SIGINT', leave).off('SIGTERM', leave).off('uncaughtException', fail);
  }
}

/** The background services of this process. */
const serviceNames = (url: string | undefined): string[] => [
  ...['worker', 'scheduler', 'dispatcher', 'alerts', 'janitor'],
  ...(url === undefined ? [] : ['api']),
];
