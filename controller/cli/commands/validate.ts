import { dirname } from 'node:path';
import type { Checked } from '../../adapters/drivers.ts';
import { namedStore } from '../../app/open-store.ts';
import { pipelinesFolder } from '../../app/pipelines/watched.ts';
import { builtIn } from '../../app/registry.ts';
import { openPipeline } from '../../app/wiring.ts';
import type { Project } from '../../config/project.ts';
import type { Pipeline } from '../../domain/pipeline.ts';
import { type Kind, kindOf, type Notification } from '../../domain/pipeline.ts';
import { partsOf } from '../../pipeline/parts.ts';
import { columns, exit, type Output } from '../view/output.ts';

/** `sluice validate FILE` */
export async function validate(output: Output, file: string): Promise<number> {
  const { project, loaded } = await openPipeline(file);
  const { pipeline } = loaded;
  checkConnections(project, pipeline);
  const rows = [
    [
      'sources',
      Object.entries(pipeline.sources)
        .map(([name, source]) => `${name} (${kindOf(builtIn.sources, source).kind})`)
        .join(', '),
    ],
    ['checks', pipeline.checks.map((check) => check.name).join(', ')],
    ['branches', pipeline.branches.map((branch) => branch.name).join(', ')],
    ['steps', Object.keys(pipeline.steps).join(', ')],
    [
      'triggers',
      Object.entries(pipeline.triggers ?? {})
        .map(([name, trigger]) => `${name} (${kindOf(builtIn.triggers, trigger).describe(trigger)})`)
        .join(', '),
    ],
    ['notify', pipeline.notify.map(describeNotification).join(', ')],
  ];
  output.line(`${loaded.file}: ${pipeline.name} is valid`);
  for (const line of columns(rows.map(([name = '', value = '']) => [`  ${name}`, value || '—']))) output.line(line);
  if (pipeline.triggers && dirname(loaded.file) !== pipelinesFolder)
    output.line(`note: \`sluice serve\` reads triggers in ${pipelinesFolder} alone; this file is elsewhere`);
  output.document({
    file: loaded.file,
    pipeline: pipeline.name,
    valid: true,
    sources: Object.keys(pipeline.sources),
    steps: Object.keys(pipeline.steps),
  });
  return exit.ok;
}

/** A notification's address, for people. */
function describeNotification(entry: Notification): string {
  const { kind, describe } = kindOf(builtIn.notifiers, entry);
  return describe(entry[kind]);
}

/** Throws a rejected SluiceError for misconfigured connections in conf/ that the pipeline or its runs need. */
function checkConnections(project: Project, pipeline: Pipeline): void {
  const notifications = pipeline.notify.map((entry) => {
    const kind = kindOf(builtIn.notifiers, entry);
    return { kind, value: entry[kind.kind] };
  });
  for (const { kind, value } of [...partsOf(pipeline, builtIn), ...notifications])
    (kind as Kind & Checked).check?.(value, project);
  namedStore(project);
}
