import { watchedPipelines } from '../../app/pipelines.ts';
import { builtIn } from '../../app/registry.ts';
import { runServices } from '../../app/services.ts';
import { withSite } from '../../app/sluice.ts';
import { openProject } from '../../app/wiring.ts';
import { spokenOwner } from '../../domain/controller-id.ts';
import { Crew } from '../../engine/worker.ts';
import { reasonOf, SluiceError } from '../../lib/errors.ts';
import type { LogLevel } from '../../lib/logger.ts';
import { jsonLogger, logNews, prettyLogger } from '../view/log.ts';
import { exit, type Output } from '../view/output.ts';

/** `sluice serve`: a controller that drives whatever run nobody drives, delivers mails and clears away, until Ctrl-C. */
export async function serve(
  output: Output,
  options: { runs: number; logLevel: LogLevel; logFormat?: 'json' | 'pretty' },
): Promise<number> {
  const { logLevel, logFormat = output.isTerminal ? 'pretty' : 'json' } = options;
  const stream = output.json ? process.stderr : process.stdout;
  const logger = logFormat === 'json' ? jsonLogger(logLevel, stream) : prettyLogger(logLevel, output);
  const leaving = new AbortController();
  const leave = (): void => leaving.abort();
  process.on('SIGINT', leave).on('SIGTERM', leave);
  try {
    const project = await openProject();
    return await withSite(project, async (site) => {
      logger.log(
        'info',
        `controller ${spokenOwner(site.controller.owner)} started; Ctrl-C stops it and releases its runs`,
      );
      const tellers = new Map<string, ReturnType<typeof logNews>>();
      const crew = new Crew(site, (run, news) => {
        const tell = tellers.get(run) ?? logNews(logger, run);
        tellers.set(run, tell);
        tell(news);
        if (news.kind === 'event' && news.record.event.type === 'run-ended') tellers.delete(run);
      });
      crew.start(options.runs);
      const warn = (text: string): void => logger.log('warn', text);
      const pipelines = watchedPipelines(project, builtIn, warn);
      const fire = async (): Promise<void> => {
        const started = await site.fire(await pipelines(), (trigger, reason) => warn(`trigger ${trigger}: ${reason}`));
        for (const run of started) logger.log('info', 'started by a trigger', { run });
      };
      const services = [
        { name: 'scheduler', everyMs: 1000, work: fire },
        { name: 'dispatcher', everyMs: 2000, work: () => site.mail(warn) },
        { name: 'janitor', everyMs: 30_000, work: () => site.sweep() },
      ];
      await runServices(services, leaving.signal, (service, error) => {
        const isKnown = error instanceof SluiceError;
        logger.log(isKnown ? 'warn' : 'error', `${service}: ${isKnown ? '' : 'unexpected: '}${reasonOf(error)}`);
      });
      const left = await crew.stop();
      logger.log(
        'info',
        left.length === 0 ? 'no runs in progress' : `released to the next controller: ${left.join(', ')}`,
      );
      output.document({ left });
      return exit.ok;
    });
  } finally {
    process.off('SIGINT', leave).off('SIGTERM', leave);
  }
}
