#!/usr/bin/env node
import { Command, CommanderError, Option } from 'commander';
import { runStates } from '../domain/lifecycle.ts';
import { debug, version } from '../lib/env.ts';
import { logLevels } from '../lib/logger.ts';
import { exit, type Output, outliveReaders, outputOf, report } from './view/output.ts';

/** What a command is given besides its own arguments. */
type Action = (output: Output, ...args: never[]) => Promise<number>;

const program = new Command('sluice')
  .description(
    'A gate in front of Spark: measures the data, decides which way the run goes, submits the job once, follows it to the end, publishes at once or not at all, and tells people.',
  )
  .version(version)
  .enablePositionalOptions()
  .showHelpAfterError('(sluice --help shows what there is)')
  .addHelpText(
    'after',
    `
Examples:
  $ sluice up                                        start the local stack
  $ sluice validate conf/pipelines/customer-report.yaml
  $ sluice plan conf/pipelines/customer-report.yaml  what a run would do, and why
  $ sluice run conf/pipelines/customer-report.yaml
  $ sluice show                                      the last run
  $ sluice demo                                      all of it, on a million made-up rows

Exit codes: 0 succeeded, 1 the run failed, 2 the request is wrong, 3 something needed is not reachable, 130 interrupted.`,
  );

/** Adds a command whose code is loaded when it is called, so that --help answers at once. */
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
      process.exitCode = report(error, output);
    }
  });
}

const file = 'conf/pipelines/customer-report.yaml';
const whole = (text: string): number => {
  if (!/^\d+$/.test(text))
    throw new CommanderError(exit.wrong, 'sluice.number', `error: "${text}" is not a whole number`);
  return Number(text);
};
const share = (text: string): number => {
  const n = Number(text);
  if (text.trim() === '' || !(n >= 0 && n <= 1))
    throw new CommanderError(exit.wrong, 'sluice.share', `error: "${text}" is not a share from 0 to 1`);
  return n;
};
const time = (text: string): Date => {
  const at = new Date(text);
  if (Number.isNaN(at.getTime()))
    throw new CommanderError(
      exit.wrong,
      'sluice.time',
      `error: "${text}" is no time such as 2026-11-01 or 2026-11-01T06:00:00Z`,
    );
  return at;
};
const detach = (): Option => new Option('--detach', 'register the run and leave it to a controller (sluice serve)');
const rows = (): Option => new Option('--rows <n>', 'rows in all sources together').default(1_000_000).argParser(whole);
const seed = (): Option => new Option('--seed <n>', 'the same seed gives the same data').default(1).argParser(whole);
const planted = (): Option[] => [
  new Option('--invalid <share>', 'of deliveries: unreadable').default(0.004).argParser(share),
  new Option('--tricky <share>', 'of deliveries: quotes and line breaks inside a field').default(0.01).argParser(share),
  new Option('--duplicates <share>', 'of events: sent twice').default(0.01).argParser(share),
  new Option('--out-of-order <share>', 'of events: sent too early').default(0.02).argParser(share),
  new Option('--unpaid <share>', 'of orders: without payment').default(0.05).argParser(share),
  new Option('--orphans <share>', 'of payments: without order').default(0.003).argParser(share),
  new Option('--idle <share>', 'of users: without orders').default(0.15).argParser(share),
];

add(
  'validate <file>',
  'check a pipeline file, and say what is wrong with it',
  async () => (await import('./commands/validate.ts')).validate,
  [`validate ${file}`],
);
add(
  'plan <file>',
  'measure the sources and show what a run would do, and why',
  async () => (await import('./commands/plan.ts')).plan,
  [`plan ${file}`, `plan ${file} --json`, `plan ${file} --out plan.json`],
  [
    new Option('--full-refresh', 'treat all rows as new'),
    new Option('--out <plan>', 'save it, for `sluice run --plan` to do exactly this'),
  ],
);
add(
  'run <file>',
  'run a pipeline to its end',
  async () => (await import('./commands/run.ts')).run,
  [`run ${file}`, `run ${file} --plan plan.json`, `run ${file} --json`, `run ${file} --detach`],
  [
    new Option('--plan <plan>', 'do exactly what a saved plan says, or nothing when the inputs have changed').conflicts(
      'fullRefresh',
    ),
    new Option('--full-refresh', 'treat all rows as new, and read topics from their beginning'),
    detach(),
  ],
);
add(
  'backfill <file>',
  'run a pipeline on all there is, and read topics once more, from their beginning or from a time on',
  async () => (await import('./commands/run.ts')).backfill,
  [`backfill ${file}`, `backfill ${file} --from 2026-11-01`, `backfill ${file} --from 2026-11-01T06:00:00Z`],
  [
    new Option('--from <time>', 'read topics again from here on; earlier events stay as they were read').argParser(
      time,
    ),
    detach(),
  ],
);
add(
  'replay [run]',
  'take over the repaired rows of a run’s quarantine, and run its pipeline with them',
  async () => (await import('./commands/replay.ts')).replay,
  ['replay', 'replay 20261123-0412 --source deliveries --repaired repaired.csv'],
  [
    new Option('--source <name>', 'only the rows of this source'),
    new Option('--repaired <file>', 'the repaired rows; the quarantine’s own file, when left out'),
  ],
);
add(
  'serve',
  'drive whatever run nobody drives, deliver mails, until Ctrl-C; several may serve side by side',
  async () => (await import('./commands/serve.ts')).serve,
  ['serve', 'serve --runs 50', 'serve --log-format json --log-level warn'],
  [
    new Option('--runs <n>', 'how many at a time').default(1000).argParser(whole),
    new Option('--log-level <level>', 'the least that is told').choices(logLevels).default('info'),
    new Option('--log-format <format>', 'pretty on a terminal and json elsewhere, when left out').choices([
      'json',
      'pretty',
    ]),
  ],
);
add(
  'runs',
  'list the last runs',
  async () => (await import('./commands/runs.ts')).runs,
  ['runs', 'runs --pipeline customer-report --limit 5', 'runs --state failed --before 20261123-0412 --json'],
  [
    new Option('--pipeline <name>', 'only those of a pipeline'),
    new Option('--state <state>', 'only those in a state').choices(runStates),
    new Option('--before <run>', 'only those that began before this run: the next page of a list that ends with it'),
    new Option('--limit <n>', 'how many').default(20).argParser(whole),
  ],
);
add(
  'show [run]',
  'show what happened in a run; the last one, when none is named',
  async () => (await import('./commands/show.ts')).show,
  ['show', 'show 20261123-0412', 'show --json'],
);
add(
  'logs [run]',
  'print the end of the driver’s log of a run',
  async () => (await import('./commands/logs.ts')).logs,
  ['logs', 'logs 20261123-0412 --step marts', 'logs --follow'],
  [
    new Option('--step <name>', 'the step; the last one that ran, when left out'),
    new Option('-f, --follow', 'go on until the run has ended'),
  ],
);
add(
  'diff <run> <other>',
  'compare two runs: rows, quality, branch, settings, attempts, durations',
  async () => (await import('./commands/diff.ts')).diff,
  ['diff 20261122-0412 20261123-0412', 'diff 20261122 20261123 --json'],
);
add(
  'cancel <run>',
  'end a run, and its Spark application with it',
  async () => (await import('./commands/cancel.ts')).cancel,
  ['cancel 20261123-0412'],
);
add(
  'resume <run>',
  'go on with a run whose controller is gone',
  async () => (await import('./commands/resume.ts')).resume,
  ['resume 20261123-0412'],
);
add(
  'up',
  'start the local stack: Spark, Livy, Kafka, PostgreSQL and a mailbox',
  async () => (await import('./commands/up.ts')).up,
  ['up', 'up --json'],
);
add('down', 'end what `up` started; the data stays', async () => (await import('./commands/down.ts')).down, ['down']);
add('status', 'show the services and where they are', async () => (await import('./commands/status.ts')).status, [
  'status',
  'status --json',
]);
add(
  'doctor',
  'say what this machine lacks, and how to get it',
  async () => (await import('./commands/doctor.ts')).doctor,
  ['doctor'],
);
add(
  'demo-data',
  'make a shop’s data: tables, CSV files and a topic',
  async () => (await import('./commands/demo-data.ts')).demoData,
  ['demo-data --rows 100000 --seed 7', 'demo-data --rows 1000000 --invalid 0.2'],
  [rows(), seed(), ...planted()],
);
add(
  'demo',
  'start the stack, make a million rows, run the customer report',
  async () => (await import('./commands/demo.ts')).demo,
  ['demo', 'demo --rows 100000'],
  [rows(), seed(), ...planted()],
);

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
