import type { Recorded } from '../../domain/events.ts';
import { outputsOf } from '../../domain/outcome.ts';
import type { RunSummary } from '../../domain/ports/store.ts';
import type { RunState } from '../../domain/state.ts';
import { formatDuration } from '../../lib/duration.ts';
import { timelineOf } from './timeline.ts';

/** What a fact is about. */
export const factParts = ['run', 'sources', 'checks', 'steps', 'outputs', 'times'] as const;
type Part = (typeof factParts)[number];

/** A comparable fact of a run. */
export interface Fact {
  readonly part: Part;
  readonly value: string | number;
  /** For people; the value itself, when left out. */
  readonly text?: string;
}

/** A fact that two runs do not share. */
export interface Difference {
  readonly what: string;
  readonly a: Fact | undefined;
  readonly b: Fact | undefined;
}

interface Compared {
  readonly summary: RunSummary;
  readonly state: RunState;
  readonly history: readonly Recorded[];
}

/** The differences of two runs in rows, quality, branch, settings, attempts, durations and results. Pure. */
export function differencesOf(one: Compared, other: Compared): Difference[] {
  const [left, right] = [facts(one), facts(other)];
  const names = [...new Set([...left.keys(), ...right.keys()])];
  return names.flatMap((what) => {
    const [a, b] = [left.get(what), right.get(what)];
    return a?.value === b?.value ? [] : [{ what, a, b }];
  });
}

/** The document of `sluice diff --json`. */
export const diffDocument = (a: string, b: string, differences: readonly Difference[]) => ({
  a,
  b,
  differences: differences.map((each) => ({
    what: each.what,
    a: each.a?.value ?? null,
    b: each.b?.value ?? null,
  })),
});

/** The comparable facts of a run, by their names for people. */
function facts({ summary, state, history }: Compared): Map<string, Fact> {
  const found = new Map<string, Fact>();
  const say = (part: Part, name: string, value: string | number | undefined, text?: string): void => {
    if (value !== undefined) found.set(name, { part, value, ...(text !== undefined && { text }) });
  };
  say('run', 'pipeline', summary.pipeline);
  say('run', 'state', summary.state);
  say('run', 'branch', state.plan?.choice.branch ?? 'none');
  say('run', 'quality', state.plan?.quality, state.plan?.quality.toFixed(4));
  for (const [source, { measures }] of Object.entries(state.profiles ?? {})) {
    for (const name of ['rows', 'invalid', 'duplicates', 'new', 'bytes'] as const)
      say('sources', `${source}.${name}`, measures[name]);
  }
  for (const verdict of state.plan?.verdicts ?? []) say('checks', `check ${verdict.name}`, verdict.outcome);
  for (const step of Object.values(state.steps)) {
    say('steps', `${step.name}: state`, step.ended?.state ?? 'open');
    say('steps', `${step.name}: attempts`, step.attempts.length);
    say(
      'steps',
      `${step.name}: failures`,
      step.attempts.flatMap((attempt) => attempt.failure?.kind ?? []).join(', ') || 'none',
    );
    for (const [name, value] of Object.entries(step.attempts.at(-1)?.settings ?? {}))
      say('steps', `${step.name}: ${name}`, typeof value === 'object' ? JSON.stringify(value) : value);
  }
  for (const { view, kind, rows } of outputsOf(state)) say('outputs', `${view} (${kind}): rows`, rows);
  for (const { what, ms } of timelineOf(history))
    if (ms !== undefined && ms > 0) say('times', `time: ${what}`, ms, formatDuration(ms));
  if (summary.ended !== undefined)
    say('times', 'time: all', summary.ended - summary.started, formatDuration(summary.ended - summary.started));
  return found;
}
