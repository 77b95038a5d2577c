import { resolveRun } from '../../app/resolve-run.ts';
import { timelineOf } from '../../app/views/timeline.ts';
import { openProject, withStore } from '../../app/wiring.ts';
import type { Recorded } from '../../domain/events.ts';
import { outputsOf } from '../../domain/outcome.ts';
import type { RunSummary } from '../../domain/ports/store.ts';
import type { RunState } from '../../domain/state.ts';
import { formatDuration } from '../../lib/duration.ts';
import { columns, exit, number, type Output } from '../view/output.ts';
import { pc } from '../view/style.ts';

/**
 * `sluice diff RUN RUN`: the differences of two runs in rows, quality, branch, settings, attempts, durations and
 * results.
 */
export async function diff(output: Output, before: string, after: string): Promise<number> {
  return withStore(await openProject(), async (store) => {
    const [a, b] = [await resolveRun(store, before), await resolveRun(store, after)];
    const [left, right] = [facts(a), facts(b)];
    const names = [...new Set([...left.keys(), ...right.keys()])];
    const differences = names.flatMap((what) => {
      const [one, other] = [left.get(what), right.get(what)];
      return one?.value === other?.value ? [] : [{ what, a: one, b: other }];
    });
    const shown = (fact: Fact | undefined): string => fact?.text ?? '—';
    const rows = differences.map((each) => [
      each.what,
      pc.red(shown(each.a)),
      pc.green(shown(each.b)),
      pc.dim(changeOf(each.a, each.b)),
    ]);
    if (rows.length === 0) output.line(`${a.summary.run} and ${b.summary.run} have no differences.`);
    else
      for (const line of columns([['', pc.bold(a.summary.run), pc.bold(b.summary.run), ''], ...rows]))
        output.line(line);
    const plain = differences.map(({ what, a: one, b: other }) => ({
      what,
      a: one?.value ?? null,
      b: other?.value ?? null,
    }));
    output.document({ a: a.summary.run, b: b.summary.run, differences: plain });
    return exit.ok;
  });
}

interface Fact {
  readonly value: string | number;
  readonly text: string;
}

const changeOf = (a: Fact | undefined, b: Fact | undefined): string => {
  if (typeof a?.value !== 'number' || typeof b?.value !== 'number' || a.value === 0) return '';
  const percent = (b.value / a.value - 1) * 100;
  return `${percent < 0 ? '' : '+'}${percent.toFixed(Math.abs(percent) < 10 ? 1 : 0)} %`;
};

/** The comparable facts of a run, by their names for people. */
function facts({
  summary,
  state,
  history,
}: {
  summary: RunSummary;
  state: RunState;
  history: readonly Recorded[];
}): Map<string, Fact> {
  const found = new Map<string, Fact>();
  const say = (name: string, value: string | number | undefined, text?: string): void => {
    if (value !== undefined)
      found.set(name, { value, text: text ?? (typeof value === 'number' ? number(value) : value) });
  };
  say('pipeline', summary.pipeline);
  say('state', summary.state);
  say('branch', state.plan?.choice.branch ?? 'none');
  say('quality', state.plan?.quality, state.plan?.quality.toFixed(4));
  for (const [source, { measures }] of Object.entries(state.profiles ?? {})) {
    for (const name of ['rows', 'invalid', 'duplicates', 'new', 'bytes'] as const)
      say(`${source}.${name}`, measures[name]);
  }
  for (const verdict of state.plan?.verdicts ?? []) say(`check ${verdict.name}`, verdict.outcome);
  for (const step of Object.values(state.steps)) {
    say(`${step.name}: state`, step.ended?.state ?? 'open');
    say(`${step.name}: attempts`, step.attempts.length);
    say(`${step.name}: failures`, step.attempts.flatMap((attempt) => attempt.failure?.kind ?? []).join(', ') || 'none');
    for (const [name, value] of Object.entries(step.attempts.at(-1)?.settings ?? {}))
      say(`${step.name}: ${name}`, typeof value === 'object' ? JSON.stringify(value) : value);
  }
  for (const { view, kind, rows } of outputsOf(state)) say(`${view} (${kind}): rows`, rows);
  for (const { what, ms } of timelineOf(history))
    if (ms !== undefined && ms > 0) say(`time: ${what}`, ms, formatDuration(ms));
  if (summary.ended !== undefined)
    say('time: all', summary.ended - summary.started, formatDuration(summary.ended - summary.started));
  return found;
}
