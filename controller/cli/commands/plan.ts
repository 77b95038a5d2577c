import { writeFile } from 'node:fs/promises';
import { seal } from '../../app/plans/plan-seal.ts';
import { makePlan, planDocument } from '../../app/requests/plan.ts';
import { openPipeline, withStore } from '../../app/wiring.ts';
import { unwritable } from '../../lib/errors.ts';
import type { SavedPlan } from '../../planning/saved.ts';
import { measuredPrinter } from '../view/events.ts';
import { exit, type Output } from '../view/output.ts';
import { planText } from '../view/plan-text.ts';

/** `sluice plan FILE`: measures and plans like a run, and submits nothing. */
export async function plan(
  output: Output,
  file: string,
  options: { fullRefresh?: boolean; out?: string },
): Promise<number> {
  const { project, loaded } = await openPipeline(file);
  const { pipeline } = loaded;
  const made = await makePlan(project, loaded, (work) => withStore(project, work), {
    isFullRefresh: options.fullRefresh === true,
    onMeasured: measuredPrinter(output),
  });
  const { checked, at } = made;
  for (const line of planText(pipeline, checked, made.plan, made.before, made.expected)) output.line(line);
  if (options.out !== undefined) {
    const saved: SavedPlan = {
      ...{ sluice: 'plan/1', file: loaded.file, at, pipeline, ...checked },
      plan: made.plan,
    };
    await writeFile(options.out, JSON.stringify(await seal(project, saved), null, 2)).catch((error: unknown) => {
      throw unwritable(options.out as string, error);
    });
    output.line(`Saved. Apply it with: sluice run ${file} --plan ${options.out}`);
  }
  output.document(planDocument(loaded, made));
  return exit.ok;
}
