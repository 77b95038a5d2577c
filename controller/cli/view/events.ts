import { relative } from 'node:path';
import { takeoverLine } from '../../domain/controller-id.ts';
import type { Cause, Retried, ReusedInputs, RunEvent, ShadowCompared } from '../../domain/events.ts';
import type { Plan, Profiles, SparkSettings } from '../../domain/plan.ts';
import type { Measures, Profile } from '../../domain/profile.ts';
import { multipliedJoins } from '../../domain/result.ts';
import type { RunUpdate } from '../../engine/ports.ts';
import { formatDuration } from '../../lib/duration.ts';
import { reasonOf } from '../../lib/errors.ts';
import { iso } from '../../lib/text.ts';
import { bar, coloured, number, type Output } from './output.ts';
import { pc } from './style.ts';

/** A path relative to the current folder. */
const fromHere = (path: string): string => {
  const short = relative('', path);
  return short.startsWith('..') ? path : short;
};

const label = (text: string): string => pc.bold(text.padEnd(10));

/**
 * Prints the updates of a run: one line per event, and the progress of the Spark job in a line that is overwritten. An
 * update that cannot be rendered is named, and does not stop the run.
 */
export function eventPrinter(output: Output): (update: RunUpdate) => void {
  const print = updatePrinter(output);
  return (update) => {
    try {
      print(update);
    } catch (error) {
      const what = update.kind === 'event' ? update.record.event.type : update.kind;
      output.line(pc.yellow(`${label('note')} ${what} cannot be shown: ${reasonOf(error)}`));
    }
  };
}

function updatePrinter(output: Output): (update: RunUpdate) => void {
  const stages = new Map<string, string>();
  return (update) => {
    if (update.kind === 'measured') return output.line(measuredLine(update.source, update.profile, update.ms));
    if (update.kind === 'note') return output.line(pc.yellow(`${label('note')} ${update.text}`));
    if (update.kind === 'event') {
      // Lines of untrusted multi-line text must not look like Sluice's own.
      for (const line of renderEvent(update.record.event)) output.line(line.replaceAll('\n', `\n${label('')} `));
      return;
    }
    const { step, progress } = update;
    const share = progress.tasks === 0 ? 0 : progress.tasksDone / progress.tasks;
    const text = `${label('spark')} ${step}: ${progress.stage}, tasks ${progress.tasksDone} of ${progress.tasks}`;
    output.live(`${text} ${pc.cyan(bar(share))}`);
    // Without a terminal: one line per stage instead of one per poll.
    if (!output.isTerminal && stages.get(step) !== progress.stage) output.line(text);
    stages.set(step, progress.stage);
  };
}

/** Prints each source as it is measured. */
export const measuredPrinter =
  (output: Output) =>
  (source: string, profile: Profile, ms: number): void =>
    output.line(measuredLine(source, profile, ms));

/** The number of rows, marked when it is an estimate. */
export const rowsText = ({ rows, estimatedFrom }: Measures): string =>
  estimatedFrom === undefined
    ? `${number(rows)} rows`
    : `about ${number(rows)} rows (estimated from ${Math.round(estimatedFrom / 2 ** 20)} MB)`;

/** The measures of a source, and the time they took; a history has no time per source. */
function measuredLine(source: string, { measures: m }: Profile, ms: number | undefined): string {
  const after = ms === undefined ? '' : ` ${pc.dim(`(${formatDuration(ms)})`)}`;
  const why = Object.entries(m.invalidByReason)
    .map(([reason, n]) => `${reason} ${number(n)}`)
    .join(', ');
  const invalid = m.invalid === 0 ? '' : pc.yellow(`, ${number(m.invalid)} invalid (${why})`);
  const duplicates = m.duplicates === 0 ? '' : `, ${number(m.duplicates)} duplicate keys`;
  return `${label('measured')} ${source}: ${rowsText(m)}, ${(m.bytes / 1e6).toFixed(1)} MB, ${number(m.new)} new${invalid}${duplicates}${after}`;
}

/** The settings of a Spark application, in one line. */
export const settingsText = (s: SparkSettings): string =>
  s.engine === 'embedded'
    ? `embedded engine, ${s.executorCores} cores, ${s.driverMemory}`
    : `${s.executors} executor × ${s.executorCores} cores, ${s.executorMemory}, driver ${s.driverMemory}, ${s.partitions} partitions, JVM ${s.profile}`;

/** A warning about a plan whose cluster did not respond. */
export const guessLines = ({ cluster: { assumed, cores, largestMb } }: Plan): string[] =>
  assumed === undefined
    ? []
    : [pc.yellow(`${label('note')} sized for a guess of ${cores} cores and ${largestMb} MB a worker: ${assumed}`)];

export function planLines(plan: Plan): string[] {
  const checks = plan.verdicts.map(
    (v) => `${label('check')} ${v.name}: ${coloured(v.outcome)} (${v.because}; expected ${v.expect})`,
  );
  const ways = plan.choice.rejected.map((r) => `${label('')} ${pc.dim(`not ${r.branch}: ${r.reason}`)}`);
  return [
    ...checks,
    `${label('quality')} ${plan.quality.toFixed(4)}`,
    `${label('branch')} ${pc.bold(plan.choice.branch ?? 'none')}: ${plan.choice.reason}`,
    ...ways,
    ...guessLines(plan),
  ];
}

function renderEvent(event: RunEvent): string[] {
  switch (event.type) {
    case 'run-started':
      return [
        `${label('run')} ${event.pipeline.name} ${pc.dim(event.file)}`,
        ...(event.cause?.trigger === undefined ? [] : [`${label('trigger')} ${causeText(event.cause)}`]),
        ...(event.retries ? [`${label('retry')} ${retryText(event.retries)}`] : []),
      ];
    case 'sources-measured':
      return [...(event.inputs ? [inputsLine(event.inputs)] : []), ...quarantineLines(event.profiles)];
    case 'step-reused':
      return [`${label('step')} ${event.step}: ${coloured(event.state)} (computed by run ${event.from})`];
    case 'planned':
      return planLines(event.plan);
    case 'taken-over':
      return [`${label('takeover')} ${takeoverLine(event.by, event.from)}`];
    case 'controller-failed':
      return [pc.red(`${label('error')} unexpected: ${event.reason}; trying again`)];
    case 'sources-waiting':
      return [pc.yellow(`${label('waiting')} sources: ${event.what}; retrying`)];
    case 'sources-reached':
      return [`${label('back')} sources: answered after ${formatDuration(event.waitedMs)}`];
    case 'queued':
      return [`${label('queued')} behind ${event.behind.join(', ')}`];
    case 'triggered':
      return [`${label('trigger')} also ${causeText(event.cause)}`];
    case 'inputs-lost':
      return [pc.yellow(`${label('inputs')} measured again: ${event.reason}`)];
    case 'step-held':
      return [`${label('held')} ${event.step}: ${event.reason}`];
    case 'store-returned':
      return [`${label('store')} was unavailable for ${formatDuration(event.awayMs)}`];
    case 'attempt-intended': {
      const given = event.settings ? `: ${settingsText(event.settings)}` : '';
      return [`${label('step')} ${event.step}, attempt ${event.attempt}${given} ${pc.dim(event.key)}`];
    }
    case 'attempt-submitted':
      return [`${label('submitted')} ${event.step}: batch ${event.submission.id}`];
    case 'application-found':
      return [
        `${label(event.applicationId.startsWith('embedded-') ? 'process' : 'spark')} ${event.step}: ${event.applicationId} ${event.ui === undefined ? '' : pc.underline(event.ui)}`,
      ];
    case 'attempt-waiting':
      return [pc.yellow(`${label('waiting')} ${event.step}: ${event.what}; the attempt is kept, retrying`)];
    case 'attempt-reached':
      return [`${label('back')} ${event.step}: answered after ${formatDuration(event.waitedMs)}`];
    case 'attempt-ended':
      return renderAttemptEnd(event);
    case 'retry-scheduled':
      return [
        pc.yellow(
          `${label('retry')} ${event.step}: attempt ${event.attempt} at ${iso(event.at)?.slice(11, 19) ?? 'no time'} UTC, because of ${event.reason}${event.remedy === undefined ? '' : `; with ${event.remedy}`}`,
        ),
      ];
    case 'outputs-published':
      return event.outputs.map((o) => `${label('published')} ${o.view}: ${number(o.rows)} rows, ${o.kind} ${o.where}`);
    case 'shadow-compared':
      return [shadowLine(event)];
    case 'fallback-chosen':
      return [pc.yellow(`${label('fallback')} running fallback ${event.to} for ${event.step}: ${event.reason}`)];
    case 'step-ended':
      return [`${label('step')} ${event.step}: ${coloured(event.state)} (${event.reason})`];
    case 'report-written':
      return [`${label('report')} ${pc.underline(event.url)}`];
    case 'report-failed':
      return [pc.yellow(`${label('report')} could not be generated: ${event.reason}`)];
    case 'cancel-requested':
      return [`${label('cancel')} requested by ${event.by}; stopping active steps`];
    case 'run-ended':
      return [`${label('run')} ${coloured(event.state)}: ${event.reason}`];
    default:
      return [];
  }
}

const retryText = ({ run, fromStep }: Retried): string =>
  `of run ${run}${fromStep === undefined ? '' : `, from step ${fromStep}`}`;

const inputsLine = ({ of, gone }: ReusedInputs): string =>
  gone === undefined
    ? `${label('inputs')} those of run ${of}`
    : pc.yellow(`${label('inputs')} measured again: ${gone}`);

const quarantineLines = (profiles: Profiles): string[] =>
  Object.entries(profiles).flatMap(([source, { quarantine, measures, notes = [] }]) => [
    ...(quarantine === undefined
      ? []
      : [
          `${label('quarantine')} ${source}: ${number(measures.invalid)} rows in ${fromHere(quarantine)}; correct them and run: sluice replay`,
        ]),
    ...notes.map((note) => pc.yellow(`${label('note')} ${note}`)),
  ]);

function renderAttemptEnd(event: Extract<RunEvent, { type: 'attempt-ended' }>): string[] {
  const head = `${label('attempt')} ${event.step}, attempt ${event.attempt}: ${coloured(event.state)}`;
  if (event.failure) {
    return [
      `${head}, ${event.failure.kind}: ${event.failure.message}`,
      ...event.failure.lines.slice(0, 5).map((line) => `${label('')} ${pc.dim(line)}`),
    ];
  }
  const answer =
    event.answer === undefined
      ? []
      : [
          `${label('answer')} ${[event.answer.status, JSON.stringify(event.answer.body).slice(0, 200)].filter((part) => part !== undefined).join(' ')}`,
        ];
  const read =
    event.result?.inputs.map(
      (i) => `${i.name} ${number(i.read)} = ${number(i.valid)} valid + ${number(i.quarantined)} quarantined`,
    ) ?? [];
  const joins = multipliedJoins(event.result).map(({ view, on, left, right, rows }) =>
    pc.yellow(
      `${label('join')} ${view}: ${on === null ? 'without a key' : `on ${on}`}, ${number(left)} and ${number(right)} rows became ${number(rows)}`,
    ),
  );
  return [head, ...answer, ...read.map((line) => `${label('read')} ${line}`), ...joins];
}

function shadowLine({ step, rows, difference, skipped }: ShadowCompared): string {
  if (skipped !== undefined) return pc.dim(`${label('shadow')} ${step}: not compared: ${skipped}`);
  return difference === undefined
    ? `${label('shadow')} ${step}: the embedded engine computed the same ${number(rows)} rows`
    : pc.yellow(`${label('shadow')} ${step}: the embedded engine differs, and the step stays on Spark: ${difference}`);
}

/** What started a run: `nightly (schedule): 2026-11-24T06:00 Europe/Moscow`. */
const causeText = ({ trigger, kind, key = '', by }: Cause): string =>
  `${trigger} (${kind}): ${key.slice(0, 100)}${by === undefined ? '' : `, by ${by}`}`;
