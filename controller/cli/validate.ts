import { columns, exit, type Output } from './output.ts';
import { openPipeline } from './wiring.ts';

/** `sluice validate FILE` */
export async function validate(output: Output, file: string): Promise<number> {
  const { loaded } = await openPipeline(file);
  const { pipeline } = loaded;
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
