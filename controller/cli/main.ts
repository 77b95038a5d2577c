#!/usr/bin/env node
import { Command, CommanderError, Option } from 'commander';
import { runStates } from '../domain/lifecycle.ts';
import { debug, version } from '../lib/env.ts';
import { logLevels } from '../lib/logger.ts';
import { detach, duration, key, server, time, whole } from './options.ts';
import { addStackCommands } from './stack-commands.ts';
import { addTelemetryCommands } from './telemetry-commands.ts';
import { type Action, addTriggerCommands } from './trigger-commands.ts';
import { exit, outliveReaders, outputOf, reportError } from './view/output.ts';
import { addWatchCommands } from './watch-commands.ts';

const program = new Command('sluice')
  .description(
    'A control plane for Spark batch jobs: profiles the inputs, picks a branch, submits the job once, follows it to its end, publishes atomically and notifies people.',
  )
  .version(version)
  .enablePositionalOptions()
  .showHelpAfterError('(run sluice --help for usage)')
  .addHelpText(
    'after',
    `
Examples:
  $ sluice up                                        start the local stack
  $ sluice validate conf/pipelines/customer-report.yaml
  $ sluice plan conf/pipelines/customer-report.yaml  what a run would do, and why
  $ sluice run conf/pipelines/customer-report.yaml
  $ sluice show                                      the latest run
  $ sluice demo                                      the whole flow on a million generated rows

Exit codes: 0 succeeded, 1 the run failed, 2 invalid usage or configuration, 3 a dependency is unavailable, 130 interrupted.`,
  );

/** Adds a command whose code is loaded when it runs, so that --help answers at once. */
function add(
  usage: string,
  description: string,
  load: () => Promise<Action>,
  examples: readonly string[],
  options: readonly Option[] = [],
): void {
  const command = program
    .command(usage)
    .description(description)
    .option('--json', 'print one JSON document, and nothing else, on standard output');
  for (const option of options) command.addOption(option);
  command.addHelpText('after', `\nExamples:\n${examples.map((example) => `  $ sluice ${example}`).join('\n')}`);
  command.action(async (...given: unknown[]) => {
    const output = outputOf(command.opts().json === true);
    try {
      const action = await load();
      process.exitCode = await action(output, ...(given.slice(0, -1) as never[]));
    } catch (error) {
      if (debug) console.error(error);
      process.exitCode = reportError(error, output);
    }
  });
}

const file = 'conf/pipelines/customer-report.yaml';

add(
  'validate [file]',
  'validate a pipeline file and the connections it uses; with --all every file of conf/pipelines/',
  async () => (await import('./commands/validate.ts')).validate,
  [`validate ${file}`, 'validate --all'],
  [new Option('--all', 'every file of conf/pipelines/')],
);
add(
  'plan <file>',
  'profile the sources and show what a run would do, and why',
  async () => (await import('./commands/plan.ts')).plan,
  [`plan ${file}`, `plan ${file} --json`, `plan ${file} --out plan.json`],
  [
    new Option('--full-refresh', 'reprocess all rows'),
    new Option('--out <plan>', 'write the plan to a file for `sluice run --plan`'),
  ],
);
add(
  'prove <file>',
  'compute the Spark steps on Spark and on the embedded engine, and compare the results',
  async () => (await import('./commands/prove.ts')).prove,
  [`prove ${file}`, `prove ${file} --step marts`],
  [new Option('--step <step>', 'only this step')],
);
add(
  'test [file]',
  'run the unit tests of a pipeline, or of all',
  async () => (await import('./commands/test.ts')).test,
  ['test', `test ${file}`, `test ${file} --filter refunds`, 'test --format junit > tests.xml', `test ${file} --update`],
  [
    new Option('--engine <engine>', 'what computes the views').choices(['embedded', 'spark']).default('embedded'),
    new Option('--format <format>', 'how the outcomes are printed').choices(['spec', 'junit']).default('spec'),
    new Option('--filter <text>', 'only the tests with this text in their names'),
    new Option('--update', 'write the rows that were found into the file as the expected ones'),
  ],
);
add(
  'run <file>',
  'run a pipeline to its end',
  async () => (await import('./commands/run.ts')).run,
  [
    `run ${file}`,
    `run ${file} --plan plan.json`,
    `run ${file} --json`,
    `run ${file} --detach --idempotency-key 2026-11-25`,
  ],
  [
    new Option('--idempotency-key <key>', 'start one run with this key; given again, follow that run').argParser(key),
    new Option('--plan <plan>', 'apply a saved plan, or refuse when the inputs have changed').conflicts('fullRefresh'),
    new Option('--full-refresh', 'reprocess all rows, and read topics from their beginning'),
    detach(),
    server(),
  ],
);
add(
  'backfill <file>',
  'reprocess all data, re-reading topics from their beginning or from a timestamp',
  async () => (await import('./commands/run.ts')).backfill,
  [`backfill ${file}`, `backfill ${file} --from 2026-11-01`, `backfill ${file} --from 2026-11-01T06:00:00Z`],
  [
    new Option('--from <time>', 're-read topics from this time on; earlier events stay as they were read').argParser(
      time,
    ),
    detach(),
  ],
);
add(
  'replay [run]',
  'run a pipeline again with the repaired rows of a run’s quarantine',
  async () => (await import('./commands/replay.ts')).replay,
  ['replay', 'replay 20261123-0412 --source deliveries --repaired repaired.csv'],
  [
    new Option('--source <name>', 'only the rows of this source'),
    new Option('--repaired <file>', 'the repaired rows; the quarantine’s own file, when left out'),
  ],
);
add(
  'serve',
  'run a controller: execute queued and orphaned runs, dispatch messages and serve the API, until Ctrl-C; run several for availability',
  async () => (await import('./commands/serve.ts')).serve,
  ['serve', 'serve --runs 50 --drain 5m', 'serve --bind 127.0.0.1:0', 'serve --log-format json --log-level warn'],
  [
    new Option('--bind <host:port>', 'where the API listens; 0 is a free port (default: 127.0.0.1:8811)'),
    new Option(
      '--drain <duration>',
      'when stopped, wait so long for the runs in progress before others take them over',
    ).argParser(duration),
    new Option('--runs <n>', 'maximum concurrent runs').default(1000).argParser(whole),
    new Option('--log-level <level>', 'the least severe level that is logged').choices(logLevels).default('info'),
    new Option('--log-format <format>', 'pretty on a terminal and json elsewhere, when left out').choices([
      'json',
      'pretty',
    ]),
  ],
);
add(
  'runs',
  'list the latest runs',
  async () => (await import('./commands/runs.ts')).runs,
  [
    'runs',
    'runs --pipeline customer-report --limit 5',
    'runs --trigger nightly --branch full',
    'runs --state failed --before 20261123-0412 --json',
  ],
  [
    new Option('--pipeline <name>', 'only runs of this pipeline'),
    new Option('--trigger <name>', 'only those that this trigger of their pipeline started'),
    new Option('--branch <name>', 'only those that took this branch'),
    new Option('--state <state>', 'only those in a state').choices(runStates),
    new Option('--before <run>', 'only those that began before this run: the next page of a list that ends with it'),
    new Option('--limit <n>', 'how many').default(20).argParser(whole),
    server(),
  ],
);
add(
  'show [run]',
  'show what happened in a run (default: the latest)',
  async () => (await import('./commands/show.ts')).show,
  ['show', 'show 20261123-0412', 'show --json'],
  [server()],
);
add(
  'logs [run]',
  'print the end of the driver’s log of a run',
  async () => (await import('./commands/logs.ts')).logs,
  ['logs', 'logs 20261123-0412 --step marts', 'logs --follow'],
  [
    new Option('--step <name>', 'the step (default: the last one that ran)'),
    new Option('-f, --follow', 'follow until the run has ended'),
    server(),
  ],
);
add(
  'diff <run> <other>',
  'compare two runs: rows, quality, branch, settings, attempts, durations',
  async () => (await import('./commands/diff.ts')).diff,
  ['diff 20261122-0412 20261123-0412', 'diff 20261122 20261123 --json'],
  [server()],
);
addTelemetryCommands(add);
add(
  'cancel <run>',
  'cancel a run and its Spark application',
  async () => (await import('./commands/cancel.ts')).cancel,
  ['cancel 20261123-0412'],
  [server()],
);
add(
  'retry <run>',
  'run a pipeline again for the same reason as a run that has ended, from the same rows if it failed',
  async () => (await import('./commands/retry.ts')).retry,
  ['retry 20261123-0412', 'retry 20261123-0412 --from-step marts', 'retry 20261123-0412 --detach'],
  [
    new Option('--from-step <step>', 'compute only this step and what depends on it, from the same rows'),
    new Option('--fresh', 'measure the sources again, also when the rows of that run are still there'),
    detach(),
    server(),
  ],
);
add(
  'resume <run>',
  'resume a run whose controller died',
  async () => (await import('./commands/resume.ts')).resume,
  ['resume 20261123-0412'],
  [server()],
);
addWatchCommands(add);
addTriggerCommands(add);
addStackCommands(add);

outliveReaders();
program.exitOverride();
for (const command of program.commands) command.exitOverride();
try {
  await program.parseAsync();
} catch (error) {
  if (!(error instanceof CommanderError)) throw error;
  if (error.code.startsWith('sluice.')) process.stderr.write(`${error.message}\n`);
  process.exitCode = error.exitCode === 0 ? exit.ok : exit.wrong;
}
