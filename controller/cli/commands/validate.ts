import { namedStore } from '../../app/open-store.ts';
import { builtIn } from '../../app/registry.ts';
import { openPipeline } from '../../app/wiring.ts';
import { addressesOf, mailServer } from '../../config/addresses.ts';
import type { Project } from '../../config/project.ts';
import type { Pipeline } from '../../domain/pipeline.ts';
import { kindOf, type Notification } from '../../domain/pipeline.ts';
import { partsOf, textAt } from '../../pipeline/parts.ts';
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
    ['notify', pipeline.notify.map(told).join(', ')],
  ];
  output.line(`${loaded.file}: ${pipeline.name} is valid`);
  for (const line of columns(rows.map(([name = '', value = '']) => [`  ${name}`, value || '—']))) output.line(line);
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
function told(entry: Notification): string {
  const { kind, describe } = kindOf(builtIn.notifiers, entry);
  return describe(entry[kind]);
}

/** Throws a rejected SluiceError for what conf/ says of a connection that the pipeline or its runs need, and cannot be kept to. */
function checkConnections(project: Project, pipeline: Pipeline): void {
  const addresses = addressesOf(project);
  for (const { kind, value } of partsOf(pipeline, builtIn)) {
    const { section, at } = kind.connection ?? {};
    if (section === 'postgres' || section === 'kafka') addresses[section](textAt(value, at ?? []));
  }
  namedStore(project);
  if (pipeline.notify.some((entry) => kindOf(builtIn.notifiers, entry).kind === 'email')) mailServer(project);
}
