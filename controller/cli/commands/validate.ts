import { openPipeline } from '../../app/wiring.ts';
import { addressesOf, mailServer, postgresAddress } from '../../config/addresses.ts';
import type { Project } from '../../config/project.ts';
import type { Pipeline } from '../../domain/pipeline.ts';
import { columns, exit, type Output } from '../view/output.ts';

/** `sluice validate FILE` */
export async function validate(output: Output, file: string): Promise<number> {
  const { project, loaded } = await openPipeline(file);
  const { pipeline } = loaded;
  checkConnections(project, pipeline);
  const kind = (source: object): string => (['csv', 'postgres', 'kafka'] as const).find((name) => name in source) ?? '';
  const rows = [
    [
      'sources',
      Object.entries(pipeline.sources)
        .map(([name, source]) => `${name} (${kind(source)})`)
        .join(', '),
    ],
    ['checks', pipeline.checks.map((check) => check.name).join(', ')],
    ['branches', pipeline.branches.map((branch) => branch.name).join(', ')],
    ['steps', Object.keys(pipeline.steps).join(', ')],
    ['notify', pipeline.notify.map((entry) => entry.email).join(', ')],
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

/** Throws a rejected SluiceError for what conf/ says of a connection that the pipeline or its runs need, and cannot be kept to. */
function checkConnections(project: Project, { sources, steps, notify }: Pipeline): void {
  const addresses = addressesOf(project);
  const parts = [...Object.values(sources), ...Object.values(steps).flatMap((step) => step.outputs)];
  for (const part of parts) {
    if ('postgres' in part) addresses.postgres(part.postgres);
    if ('kafka' in part) addresses.kafka(part.kafka);
  }
  for (const { postgres } of Object.values(steps)) if (postgres) addresses.postgres(postgres.connection);
  postgresAddress(project, project.connections.store);
  if (notify.length > 0) mailServer(project);
}
