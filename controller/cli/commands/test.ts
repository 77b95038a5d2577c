import { existsSync } from 'node:fs';
import { readdir, writeFile } from 'node:fs/promises';
import { basename, join, relative } from 'node:path';
import { runTest } from '../../app/pipeline-tests/run.ts';
import { type TestOutcome, testFile } from '../../app/pipeline-tests/schema.ts';
import { updated } from '../../app/pipeline-tests/update.ts';
import { adaptersOf, backendsOf, openPipeline } from '../../app/wiring.ts';
import { rejected, SluiceError } from '../../lib/errors.ts';
import { withInterrupts } from '../../lib/interrupts.ts';
import { readYaml } from '../../lib/yaml/yaml-file.ts';
import { junit } from '../view/junit.ts';
import { exit, type Output } from '../view/output.ts';
import { pc } from '../view/style.ts';

interface Options {
  readonly engine: 'embedded' | 'spark';
  readonly format: 'spec' | 'junit';
  readonly update?: boolean;
  readonly filter?: string;
}

const suffix = /\.test\.ya?ml$/;

/** `sluice test [FILE]`: the unit tests of pipelines. */
export async function test(output: Output, given: string | undefined, options: Options): Promise<number> {
  const files = given === undefined ? await allTests() : [testsOf(given)];
  const outcomes: Awaited<ReturnType<typeof testOne>>[] = [];
  const isInterrupted = await withInterrupts(async (stopped) => {
    for (const file of files) if (stopped() === undefined) outcomes.push(await testOne(output, file, options, stopped));
    return stopped() !== undefined;
  });
  const all = outcomes.flatMap(({ tests }) => tests);
  if (all.length === 0 && !isInterrupted) throw rejected(`no test has "${options.filter}" in its name`);
  const failed = all.filter(({ differences }) => differences.length > 0).length;
  if (options.format === 'junit') output.line(junit(outcomes));
  else {
    const seconds = all.reduce((sum, each) => sum + each.seconds, 0).toFixed(1);
    output.line(
      `${all.length - failed} passed, ${failed === 0 ? '0 failed' : pc.red(`${failed} failed`)} in ${seconds} s`,
    );
  }
  output.document({
    files: outcomes.map(({ tests, ...of }) => ({ ...of, tests: tests.map(({ actual: _, ...each }) => each) })),
  });
  return isInterrupted ? exit.interrupted : failed === 0 ? exit.ok : exit.failed;
}

async function testOne(output: Output, file: string, options: Options, stopped: () => string | undefined) {
  const { project, loaded } = await openPipeline(file.replace(suffix, '.yaml'));
  const { value: tests } = await readYaml(file, testFile);
  const spark = options.engine === 'spark' ? (await backendsOf(project)).backend : undefined;
  await spark?.check();
  const adapters = adaptersOf(project);
  const shown = relative('', file) || file;
  const isSpec = options.format === 'spec';
  const outcomes: TestOutcome[] = [];
  const chosen = tests.tests.filter(({ name }) => options.filter === undefined || name.includes(options.filter));
  if (isSpec && chosen.length > 0) output.line(pc.bold(shown));
  try {
    for (const each of chosen) {
      if (stopped() !== undefined) break;
      const outcome = await runTest(adapters, loaded.pipeline, each, { file: tests, spark, stopped }).catch(
        (error: unknown) => {
          if (!(error instanceof SluiceError) || error.kind !== 'rejected') throw error;
          throw rejected(`${shown}: test "${each.name}": ${error.message}`, error.hint);
        },
      );
      outcomes.push(outcome);
      if (isSpec) for (const line of specLines(outcome)) output.line(line);
    }
  } finally {
    await adapters.context.storage.remove(adapters.context.scratch);
  }
  if (options.update && stopped() === undefined) {
    await writeFile(file, await updated(file, tests, outcomes));
    if (isSpec) output.line(`${shown}: the expected rows are now those that were found; look at the difference`);
  }
  return { file: shown, pipeline: loaded.pipeline.name, tests: outcomes };
}

function specLines({ name, seconds, differences }: TestOutcome): string[] {
  const took = pc.dim(`(${seconds.toFixed(2)} s)`);
  if (differences.length === 0) return [`  ${pc.green('✓')} ${name} ${took}`];
  const coloured = (line: string): string =>
    /^ +-/.test(line) ? pc.red(line) : /^ +\+/.test(line) ? pc.green(line) : line;
  return [`  ${pc.red('✗')} ${name} ${took}`, ...differences.map((line) => `      ${coloured(line)}`)];
}

/** The test file of a pipeline, by the path of either. */
function testsOf(path: string): string {
  const file = suffix.test(path) ? path : path.replace(/\.ya?ml$/, '.test.yaml');
  if (existsSync(file)) return file;
  throw rejected(
    `there are no tests of ${basename(path)}: no file ${file}`,
    'write one; docs/pipeline-tests.md has an example',
  );
}

async function allTests(): Promise<string[]> {
  const folder = join('conf', 'pipelines');
  const names = await readdir(folder).catch(() => []);
  const files = names.filter((name) => suffix.test(name)).map((name) => join(folder, name));
  if (files.length === 0)
    throw rejected(`there are no tests in ${folder}`, 'name a pipeline file, or write NAME.test.yaml beside one');
  return files.sort();
}
