import { setTimeout as sleep } from 'node:timers/promises';
import { withSite } from '../../app/sluice.ts';
import { openProject } from '../../app/wiring.ts';
import { spokenOwner } from '../../domain/controller-id.ts';
import { Crew } from '../../engine/worker.ts';
import { reasonOf, SluiceError } from '../../lib/errors.ts';
import { narrator } from '../view/narrate.ts';
import { exit, type Output } from '../view/output.ts';
import { pc } from '../view/style.ts';

const mailEvery = 2000;
const sweepEvery = 30_000;

/** `sluice serve`: a controller that drives whatever run nobody drives, delivers mails and clears away, until Ctrl-C. */
export async function serve(output: Output, options: { runs: number }): Promise<number> {
  const leaving = new AbortController();
  const leave = (): void => leaving.abort();
  process.on('SIGINT', leave).on('SIGTERM', leave);
  try {
    return await withSite(await openProject(), async (site) => {
      output.line(`serving as ${spokenOwner(site.controller.owner)}; Ctrl-C leaves its runs to the next controller`);
      const tellers = new Map<string, ReturnType<typeof narrator>>();
      const crew = new Crew(site, (run, news) => {
        const tell =
          tellers.get(run) ??
          narrator({ ...output, isTerminal: false, line: (text) => output.line(`${pc.dim(run)}  ${text}`) });
        tellers.set(run, tell);
        tell(news);
        if (news.kind === 'event' && news.record.event.type === 'run-ended') tellers.delete(run);
      });
      crew.start(options.runs);
      const { signal } = leaving;
      let swept = performance.now();
      while (!signal.aborted) {
        await sleep(mailEvery, undefined, { signal }).catch(() => undefined);
        try {
          await site.mail((line) => output.line(line));
          if (performance.now() - swept < sweepEvery) continue;
          swept = performance.now();
          await site.sweep();
        } catch (error) {
          // Its runs go on, whatever keeps it from delivering or clearing away.
          output.line(pc.yellow(`${error instanceof SluiceError ? '' : 'unexpected: '}${reasonOf(error)}`));
        }
      }
      const left = await crew.stop();
      output.line(left.length === 0 ? 'nothing was under way' : `left to the next controller: ${left.join(', ')}`);
      output.document({ left });
      return exit.ok;
    });
  } finally {
    process.off('SIGINT', leave).off('SIGTERM', leave);
  }
}
