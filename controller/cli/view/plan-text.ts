import { builtIn } from '../../app/registry.ts';
import { kindOf, type Pipeline } from '../../domain/pipeline.ts';
import type { Plan, PlannedStep } from '../../domain/plan.ts';
import type { PlannedRun } from '../../domain/ports/store.ts';
import type { CheckedProfiles, Example, Profile } from '../../domain/profile.ts';
import { formatDuration } from '../../lib/duration.ts';
import type { ExpectedStep } from '../../planning/expected.ts';
import { totals } from '../../planning/values.ts';
import { guessLines, rowsText } from './events.ts';
import { coloured, columns, number } from './output.ts';
import { pc } from './style.ts';

/** A plan for people: the sources and their problems, the branch with its reason, and the settings of each step. */
export function planText(
  pipeline: Pipeline,
  checked: CheckedProfiles,
  plan: Plan,
  last: PlannedRun | undefined,
  expected: Readonly<Record<string, ExpectedStep>> = {},
): string[] {
  const { profiles, findings } = checked;
  const checks = plan.verdicts.flatMap(({ name, outcome, because, expect }) => [
    `  ${coloured(outcome)} ${pc.bold(name)}: ${because} ${pc.dim(`(expected ${expect})`)}`,
    ...(findings[name]?.examples ?? []).map(exampleLine),
  ]);
  const { choice } = plan;
  return [
    '',
    pc.bold('Sources'),
    ...columns(Object.entries(profiles).map(sourceCells), [1, 2, 3, 4]).flatMap((line, i) => [
      `  ${line}`,
      ...sourceLines(Object.values(profiles)[i] as Profile),
    ]),
    ...(checks.length === 0 ? [] : ['', pc.bold('Checks'), ...checks]),
    '',
    `${pc.bold('Branch')} ${pc.bold(pc.cyan(choice.branch ?? 'none'))}: ${choice.reason}`,
    ...choice.rejected.map(({ branch, reason }) => pc.dim(`  not ${branch}: ${reason}`)),
    '',
    pc.bold('Steps'),
    ...Object.entries(plan.steps).flatMap(([name, step]) =>
      stepLines(pipeline, name, step, last, expected[name] ?? {}),
    ),
    ...guessLines(plan),
    ...lastLines(last, totals(profiles).rows),
    '',
    `${pc.bold('A run now:')} ${outcomeOf(plan)}`,
  ];
}

const outcomeOf = ({ verdict, reason, steps }: Plan): string => {
  const counts = Object.values(steps).reduce<Record<string, number>>((n, { role }) => {
    n[role] = (n[role] ?? 0) + 1;
    return n;
  }, {});
  const counted = [
    `${counts.run ?? 0} to run`,
    `${counts.later ?? 0} to be decided`,
    `${counts.fallback ?? 0} fallback`,
    `${counts.skip ?? 0} skipped`,
  ].filter((text) => !text.startsWith('0 '));
  if (verdict === 'go') return `${pc.green(counted.join(', '))} (${reason})`;
  return verdict === 'skip'
    ? `${pc.dim('nothing is submitted')} (${reason})`
    : `${pc.red('the run fails before its first step')} (${reason})`;
};

const sourceCells = ([name, { measures: m }]: [string, Profile]): string[] => [
  pc.bold(name),
  rowsText(m),
  `${(m.bytes / 1e6).toFixed(1)} MB`,
  `${number(m.new)} new`,
  m.invalid === 0 ? 'none invalid' : pc.yellow(`${number(m.invalid)} invalid`),
  m.duplicates === 0 ? '' : `${number(m.duplicates)} repeated keys`,
];

function sourceLines({ measures, examples, last, notes = [] }: Profile): string[] {
  const lines = Object.entries(measures.invalidByReason).flatMap(([reason, n]) => [
    `      ${pc.yellow(reason)}: ${number(n)}`,
    ...examples.filter((example) => example.reason === reason).map(exampleLine),
  ]);
  const nulls = Object.entries(measures.nulls).filter(([, n]) => n > 0);
  if (nulls.length > 0)
    lines.push(pc.dim(`      empty: ${nulls.map(([column, n]) => `${column} ${number(n)}`).join(', ')}`));
  if (last && last.rows !== measures.rows)
    lines.push(pc.dim(`      ${number(last.rows)} rows in the last published run`));
  return [...lines, ...notes.map((note) => pc.yellow(`      ${note}`))];
}

const exampleLine = ({ where, text }: Example): string =>
  pc.dim(`        ${where}: ${text.replaceAll('\n', '⏎').slice(0, 120)}`);

const marks: Record<PlannedStep['role'], (text: string) => string> = {
  run: (text) => pc.green(`+ ${text}`),
  skip: (text) => pc.dim(`- ${text}`),
  fallback: (text) => pc.yellow(`~ ${text}`),
  later: (text) => pc.cyan(`? ${text}`),
};
const roleLabel = { run: 'runs', skip: 'is skipped', fallback: 'fallback', later: 'conditional' } as const;

const engineNames = { spark: 'on Spark', embedded: 'on the embedded engine' } as const;

/** `about 17.4 s on Spark (3 runs)`, from runs on about as many rows. */
const expectedText = (expected: ExpectedStep): string =>
  Object.entries(engineNames)
    .flatMap(([engine, where]) => {
      const { seconds, runs } = expected[engine as keyof ExpectedStep] ?? {};
      if (seconds === undefined) return [];
      return [`${formatDuration(seconds * 1000)} ${where} (${runs === 1 ? '1 run' : `${runs} runs`})`];
    })
    .join(', ');

function stepLines(
  pipeline: Pipeline,
  name: string,
  step: PlannedStep,
  last: PlannedRun | undefined,
  expected: ExpectedStep,
): string[] {
  const lines = [`  ${marks[step.role](pc.bold(name))} ${roleLabel[step.role]} ${pc.dim(`(${step.reason})`)}`];
  const definition = pipeline.steps[name];
  if (step.role === 'skip' || !definition) return lines;
  const before = settingsText(last?.plan.steps[name]);
  const rows = Object.entries(settingsText(step)).map(([what, value]) => {
    const was = before[what];
    const other = was !== undefined && was !== value ? pc.cyan(` (last run ${was})`) : '';
    return [`      ${what}`, `${value}${other}`, pc.dim(step.why?.[what] ?? '')];
  });
  const took = expectedText(expected);
  if (took !== '') rows.push(['      expected', took, pc.dim('from runs on about as many rows')]);
  lines.push(...columns(rows));
  for (const { kind, describe } of builtIn.tasks)
    if (definition[kind] !== undefined) lines.push(`      ${describe(definition[kind])}`);
  for (const output of definition.outputs) {
    const where = kindOf(builtIn.sinks, output).describe(output);
    lines.push(`      publishes ${output.views.join(', ')} ${where}`);
  }
  return lines;
}

/** The settings of a step, by the names that its reasons use. */
function settingsText(step: PlannedStep | undefined): Record<string, string> {
  const { settings, why = {} } = step ?? {};
  if (!settings) return {};
  const { conf, ...rest } = settings;
  const named: Record<string, unknown> = {
    engine: 'spark',
    ...rest,
    adaptive: conf['spark.sql.adaptive.enabled'],
    broadcast: conf['spark.sql.autoBroadcastJoinThreshold'],
    ...conf,
  };
  return Object.fromEntries(Object.keys(why).map((what) => [what, String(named[what])]));
}

/** The differences of the last run. */
function lastLines(last: PlannedRun | undefined, rows: number): string[] {
  if (!last) return [];
  const { run, plan, state, started, ended } = last;
  const then = totals(last.profiles).rows;
  const took = ended === undefined ? '' : ` in ${formatDuration(ended - started)}`;
  const amount = then === rows ? 'as many rows' : `${number(then)} rows`;
  const way = `branch ${plan.choice.branch ?? 'none'} on ${amount}${took}`;
  return [
    '',
    `${pc.bold('Last run')} ${run}: ${coloured(ended === undefined ? 'running' : state)}, ${way} ${pc.dim(`(${plan.reason})`)}`,
  ];
}
