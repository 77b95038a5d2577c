import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { thisMachine } from '../../adapters/backends/embedded/machine.ts';
import { measureSources } from '../../app/plans/plan.ts';
import { type Proved, proveStep } from '../../app/prove.ts';
import { adaptersOf, backendsOf, folderOf, openPipeline, withStore } from '../../app/wiring.ts';
import { clusterOf } from '../../engine/measuring.ts';
import { rejected } from '../../lib/errors.ts';
import { withInterrupts } from '../../lib/interrupts.ts';
import { measuredPrinter } from '../view/events.ts';
import { exit, type Output } from '../view/output.ts';
import { pc } from '../view/style.ts';

/** `sluice prove FILE`: computes the Spark steps on both engines from the same inputs, and compares the results. */
export async function prove(output: Output, file: string, options: { step?: string }): Promise<number> {
  const { project, loaded } = await openPipeline(file);
  const { pipeline } = loaded;
  const steps = Object.entries(pipeline.steps).filter(
    ([name, { spark }]) => spark && (options.step === undefined || options.step === name),
  );
  if (steps.length === 0)
    throw rejected(
      options.step === undefined ? `${file} has no Spark step` : `${file} has no Spark step ${options.step}`,
    );
  const adapters = adaptersOf(project);
  const folder = folderOf(project, `prove-${randomBytes(4).toString('hex')}`);
  return withInterrupts(async (stopped) => {
    try {
      return await withStore(project, async (store) => {
        const backends = await backendsOf(project);
        await backends.backend.check();
        const all = { profiles: {}, again: true };
        const { profiles } = await measureSources(adapters, pipeline, all, folder, measuredPrinter(output));
        const cluster = await clusterOf({ backend: backends.backend, now: Date.now, sleep: (ms) => sleep(ms) });
        const log = (line: string): void => output.line(pc.dim(line));
        const options = { backends, store, folder, cluster, machine: thisMachine, stopped, log };
        const found: Proved[] = [];
        for (const [name, step] of steps) {
          const proved = await proveStep(adapters, name, step, pipeline, profiles, options);
          found.push(proved);
          output.line(`${pc.bold(name)}: ${said(proved)}`);
          for (const detail of proved.details) output.line(`  ${detail}`);
        }
        output.document({ file: loaded.file, pipeline: pipeline.name, steps: found });
        return found.every(({ outcome }) => outcome === 'proven') ? exit.ok : exit.failed;
      });
    } catch (error) {
      if (stopped() === undefined) throw error;
      output.line('interrupted; both engines have stopped');
      return exit.interrupted;
    } finally {
      await adapters.context.storage.remove(folder);
    }
  });
}

function said({ outcome, rows }: Proved): string {
  if (outcome === 'proven') return pc.green(`proven: ${rows} rows are the same on both engines`);
  if (outcome === 'different') return pc.red('the engines differ; the step stays on Spark');
  return outcome === 'refused' ? pc.yellow('stays on Spark') : pc.red('Spark fails');
}
