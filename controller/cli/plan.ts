import pc from 'picocolors';
import { makePlan } from '../decide/plan.ts';
import type { Pipeline } from '../pipeline/schema.ts';
import { profileAll } from '../profile/all.ts';
import { probeOf } from '../profile/probes.ts';
import { measuredLine, planLines } from './narrate.ts';
import { exit, type Output } from './output.ts';
import { clusterOf, openPipeline, scratchOf, withStore } from './wiring.ts';

/** `sluice plan FILE`: measures and decides as a run would, and submits nothing. */
export async function plan(output: Output, file: string, options: { fullRefresh?: boolean }): Promise<number> {
  const { project, loaded } = await openPipeline(file);
  const { pipeline } = loaded;
  const previous = options.fullRefresh ? {} : await withStore(project, (store) => store.lastPins(pipeline.name));
  const probe = probeOf(project, scratchOf(project));
  try {
    const profiles = await profileAll(probe, pipeline, previous, (name, profile, ms) => {
      output.line(measuredLine(name, profile, ms));
      for (const example of profile.examples)
        output.line(pc.dim(`            ${example.where}: ${example.reason}: ${example.text.replaceAll('\n', '⏎')}`));
    });
    const made = makePlan(pipeline, profiles, await clusterOf(project));
    for (const line of [...planLines(made), ...stepLines(pipeline, made.steps)]) output.line(line);
    const would = { go: 'these steps run', skip: 'nothing is submitted', fail: 'the run fails before its first step' }[
      made.verdict
    ];
    output.line(`A run now: ${would} (${made.reason})`);
    output.document({ file: loaded.file, pipeline: pipeline.name, sources: profiles, ...made });
    return exit.ok;
  } finally {
    await probe.close();
  }
}

function stepLines(pipeline: Pipeline, steps: ReturnType<typeof makePlan>['steps']): string[] {
  return Object.entries(steps).flatMap(([name, step]) => {
    const mark = { run: pc.green('+'), skip: pc.dim('-'), fallback: pc.yellow('~'), later: pc.cyan('?') }[step.role];
    const lines = [`${mark} ${pc.bold(name)}: ${step.role} (${step.reason})`];
    if (step.role === 'skip') return lines;
    const { http, postgres } = pipeline.steps[name] ?? {};
    const set = { ...step.settings, adaptive: step.settings?.conf['spark.sql.adaptive.enabled'] };
    for (const [what, reason] of Object.entries(step.why ?? {}))
      lines.push(`    ${what.padEnd(15)} ${String(set[what as keyof typeof set]).padEnd(7)} ${pc.dim(reason)}`);
    if (http) lines.push(pc.dim(`    calls ${http.method} ${http.url}`));
    if (postgres) lines.push(pc.dim(`    runs ${postgres.sql} in ${postgres.connection}`));
    for (const output of pipeline.steps[name]?.outputs ?? []) {
      const where =
        'postgres' in output
          ? `${output.postgres}.${output.schema ?? 'public'}`
          : 'parquet' in output
            ? output.parquet
            : output.csv;
      lines.push(pc.dim(`    publishes ${output.views.join(', ')} to ${where}`));
    }
    return lines;
  });
}
