import { readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Checked } from '../../adapters/drivers.ts';
import { namedStore } from '../../app/open-store.ts';
import { pipelinesFolder } from '../../app/pipelines/watched.ts';
import { builtIn } from '../../app/registry.ts';
import { openPipeline, openProject } from '../../app/wiring.ts';
import type { Project } from '../../config/project.ts';
import type { Pipeline } from '../../domain/pipeline.ts';
import { type Kind, kindOf, type Notification } from '../../domain/pipeline.ts';
import { rejected, SluiceError } from '../../lib/errors.ts';
import { partsOf } from '../../pipeline/parts.ts';
import { columns, exit, type Output } from '../view/output.ts';

/** How many instants of a trigger are shown, and how far ahead they are looked for. Milliseconds. */
const shownInstants = 5;
/** A calendar may let nothing through for years. */
const longestLookMs = 1000;
const farMs = 10 * 366 * 86_400_000;

/** `sluice validate FILE`, or with `--all` every file of conf/pipelines/. */
export async function validate(output: Output, file: string | undefined, { all }: { all?: boolean }): Promise<number> {
  if ((file === undefined) !== (all === true))
    throw rejected('validate needs a file or --all', 'sluice validate FILE, or sluice validate --all');
  if (file !== undefined) {
    output.document(await validateFile(output, file));
    return exit.ok;
  }
  const { root } = await openProject();
  const folder = join(root, pipelinesFolder);
  const names = (await readdir(folder).catch(() => [])).filter((name) => /\.ya?ml$/.test(name)).sort();
  const documents: object[] = [];
  for (const name of names)
    try {
      documents.push(await validateFile(output, join(folder, name)));
    } catch (error) {
      if (!(error instanceof SluiceError)) throw error;
      output.line(error.message);
      documents.push({ file: join(pipelinesFolder, name), valid: false, problem: error.message });
    }
  const broken = documents.filter((each) => !('pipeline' in each)).length;
  output.line(`${names.length - broken} of ${names.length} files are valid`);
  output.document(documents);
  return broken === 0 ? exit.ok : exit.wrong;
}

async function validateFile(output: Output, file: string): Promise<object> {
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
    ['triggers', Object.keys(pipeline.triggers ?? {}).join(', ')],
    ['notify', pipeline.notify.map(describeNotification).join(', ')],
  ];
  output.line(`${loaded.file}: ${pipeline.name} is valid`);
  for (const line of columns(rows.map(([name = '', value = '']) => [`  ${name}`, value || '—']))) output.line(line);
  const triggers = triggersOf(pipeline);
  for (const { trigger, says, next, remarks } of triggers) {
    output.line(`  ${trigger}: ${says}`);
    if (next.length > 0) output.line(`    next: ${next.map((due) => due.slice(0, 16).replace('T', ' ')).join('Z, ')}Z`);
    for (const remark of remarks) output.line(`    ${remark}`);
  }
  if (pipeline.triggers && dirname(loaded.file) !== pipelinesFolder)
    output.line(`note: \`sluice serve\` reads triggers in ${pipelinesFolder} alone; this file is elsewhere`);
  return {
    file: loaded.file,
    pipeline: pipeline.name,
    valid: true,
    sources: Object.keys(pipeline.sources),
    steps: Object.keys(pipeline.steps),
    triggers,
  };
}

/** Each trigger in words, with its next instants, and what the clocks of its zone will do to it. */
function triggersOf(pipeline: Pipeline) {
  const now = Date.now();
  return Object.entries(pipeline.triggers ?? {}).map(([name, trigger]) => {
    const driver = kindOf(builtIn.triggers, trigger);
    const next: string[] = [];
    const until = performance.now() + longestLookMs;
    for (const { due, instead } of driver.instants?.(trigger, now, now) ?? []) {
      if (!instead) next.push(new Date(due).toISOString());
      if (next.length === shownInstants || due > now + farMs || performance.now() > until) break;
    }
    return {
      ...{ trigger: name, kind: driver.kind, says: driver.describe(trigger), next },
      remarks: driver.remarks?.(trigger, now) ?? [],
    };
  });
}

/** A notification's address, for people. */
function describeNotification(entry: Notification): string {
  const { kind, describe } = kindOf(builtIn.notifiers, entry);
  return describe(entry[kind]);
}

/** Throws a rejected SluiceError for misconfigured connections in conf/ that the pipeline or its runs need. */
function checkConnections(project: Project, pipeline: Pipeline): void {
  for (const { kind, value } of partsOf(pipeline, builtIn)) (kind as Kind & Checked).check?.(value, project);
  namedStore(project);
}
