import { byCommand } from '../../../app/new-run.ts';
import type { TriggerOperations } from '../../../app/triggers/operations.ts';
import type { TriggerDetail, TriggerDocument } from '../../../app/views/triggers.ts';
import { milliseconds } from '../../../lib/duration.ts';
import { rejected } from '../../../lib/errors.ts';
import { coloured, columns, exit, type Output } from '../../view/output.ts';
import { shownTime, withTriggers } from './with-triggers.ts';

interface TriggersOptions {
  readonly pipeline?: string;
  readonly instants: number;
  readonly rows: number;
  readonly reason?: string;
  readonly until?: string;
  readonly catchUp?: boolean;
  readonly yes?: boolean;
  readonly server?: string;
}
type Work = (
  output: Output,
  triggers: TriggerOperations,
  names: { readonly pipeline: string; readonly trigger: string },
  options: TriggersOptions,
) => Promise<number>;

/** `sluice triggers`, and `sluice triggers show|pause|resume|skip|reset PIPELINE TRIGGER`. */
export async function triggers(
  output: Output,
  action: string | undefined,
  pipeline: string | undefined,
  trigger: string | undefined,
  options: TriggersOptions,
): Promise<number> {
  if (action === undefined) return withTriggers(options.server, (all) => list(output, all, options));
  const works: Readonly<Record<string, Work>> = { show, pause, resume, skip, reset };
  const work = Object.hasOwn(works, action) ? works[action] : undefined;
  if (!work)
    throw rejected(`there is no sluice triggers ${action}`, 'it is one of show, pause, resume, skip and reset');
  if (pipeline === undefined || trigger === undefined)
    throw rejected(
      `sluice triggers ${action} needs a pipeline and a trigger`,
      `sluice triggers ${action} PIPELINE TRIGGER`,
    );
  return withTriggers(options.server, (all) => work(output, all, { pipeline, trigger }, options));
}

const user = (): string => byCommand().by ?? 'sluice';

async function list(output: Output, triggers: TriggerOperations, { pipeline }: TriggersOptions): Promise<number> {
  const all = (await triggers.list()).filter((each) => pipeline === undefined || each.pipeline === pipeline);
  if (all.length === 0)
    output.line(
      'No triggers; they are in the files of conf/pipelines/, and `sluice serve` fires them. `sluice pipelines` shows files with problems.',
    );
  for (const line of columns(all.map(rowOf))) output.line(line);
  output.document(all);
  return exit.ok;
}

const rowOf = (each: TriggerDocument): string[] => [
  each.pipeline,
  each.trigger,
  coloured(each.state),
  each.says ?? 'not in the files any more',
  each.paused
    ? `by ${each.paused.by}${each.paused.reason === null ? '' : `: ${each.paused.reason}`}`
    : (each.problem ?? ''),
  each.next === null ? '' : `next ${shownTime(each.next)}`,
  each.last ? `last ${shownTime(each.last.due)} ${each.last.outcome}` : 'never fired',
];

const show: Work = async (output, triggers, { pipeline, trigger }, { instants: coming, rows }) => {
  const found = await triggers.show(pipeline, trigger, { coming, rows });
  print(output, found);
  output.document(found);
  return exit.ok;
};

function print(output: Output, found: TriggerDetail): void {
  output.line(`${found.pipeline} ${found.trigger}: ${found.says}`);
  output.line(`  ${coloured(found.state)}${found.problem === null ? '' : `: ${found.problem}`}`);
  if (found.paused)
    output.line(
      `  paused by ${found.paused.by} since ${shownTime(found.paused.since)}${found.paused.until === null ? '' : ` until ${shownTime(found.paused.until)}`}${found.paused.reason === null ? '' : `: ${found.paused.reason}`}`,
    );
  if (found.owed > 0) output.line(`  owes ${found.owed} instants; \`sluice triggers skip\` drops them`);
  for (const remark of found.remarks) output.line(`  ${remark}`);
  const rows = found.moments.map((each) => [
    `  ${shownTime(each.due)}`,
    coloured(each.outcome),
    each.key.slice(0, 60),
    each.count > 1 ? `× ${each.count}` : '',
    each.run ?? '',
    each.reason ?? '',
  ]);
  for (const line of columns(rows)) output.line(line);
}

const pause: Work = async (output, triggers, { pipeline, trigger }, { reason, until }) => {
  const paused = await triggers.pause(pipeline, trigger, {
    by: user(),
    ...(reason !== undefined && { reason }),
    ...(until !== undefined && { until: untilOf(until) }),
  });
  output.line(`${pipeline} ${trigger} is paused; its instants are skipped until \`sluice triggers resume\``);
  output.document(paused);
  return exit.ok;
};

/** A duration from now, or a time. */
function untilOf(text: string): number {
  if (/^\d+(s|m|h|d)$/.test(text)) return Date.now() + milliseconds(text);
  const at = Date.parse(text);
  if (Number.isNaN(at)) throw rejected(`${JSON.stringify(text)} is neither a duration such as 2h nor a time`);
  return at;
}

const resume: Work = async (output, triggers, { pipeline, trigger }, { catchUp }) => {
  const before = await triggers.show(pipeline, trigger, { coming: 0, rows: 1 });
  const resumed = await triggers.resume(pipeline, trigger);
  output.line(`${pipeline} ${trigger} is active again`);
  if (catchUp && before.paused?.since) {
    const range = { from: Date.parse(before.paused.since), to: Date.now() };
    const { items } = await triggers.fire(pipeline, trigger, { range, by: user() });
    output.line(`  ${items.filter(({ action }) => action === 'start').length} instants of the pause start`);
  }
  output.document(resumed);
  return exit.ok;
};

const skip: Work = async (output, triggers, { pipeline, trigger }) => {
  const skipped = await triggers.skip(pipeline, trigger, user());
  output.line(
    skipped === 0 ? `${pipeline} ${trigger} owes nothing` : `${pipeline} ${trigger}: what it owed is skipped`,
  );
  output.document({ pipeline, trigger, rows: skipped });
  return exit.ok;
};

const reset: Work = async (output, triggers, { pipeline, trigger }, { yes }) => {
  if (!yes)
    throw rejected(
      `a reset forgets what ${pipeline} ${trigger} has accounted for: the same files, messages and keys can start runs again`,
      'add --yes to do it',
    );
  const done = await triggers.reset(pipeline, trigger);
  output.line(`${pipeline} ${trigger} begins again from now; the ledger keeps its rows`);
  output.document(done);
  return exit.ok;
};
