import type { Instant } from '../../adapters/firing.ts';
import { currentPause } from '../../domain/pauses.ts';
import type { RunStore } from '../../domain/ports/store.ts';
import type { FiringRecord, TriggerName, TriggerState } from '../../domain/ports/triggers.ts';
import { formatDuration } from '../../lib/duration.ts';
import { rejected } from '../../lib/errors.ts';
import { iso } from '../../lib/text.ts';
import type { Explanation } from '../views/triggers.ts';
import { type NamedTrigger, nameOf } from './look.ts';
import { firingDocument, stateOf } from './overview.ts';

/** A wall time is at most so far from the UTC time that reads the same. Milliseconds. */
const farthest = 2 * 86_400_000;
/** A firing that was noted so long after it was due was late. Milliseconds. */
const lateMs = 60_000;

/**
 * Answers why there was a run at an instant, or why there was none, from the ledger. The instant is a time with a zone
 * or Z, a wall time of the schedule such as 2026-11-24T06:00, or a key of the ledger.
 */
export async function explain(
  store: RunStore,
  of: NamedTrigger,
  asked: string,
  held?: string | undefined,
): Promise<Explanation> {
  const named = nameOf(of);
  const state = await stateOf(store, named);
  const instant = instantOf(of, asked, state);
  const due = instant?.due ?? timeOf(asked);
  const [firing] = await rowsOf(store, named, instant?.key ?? asked, due);
  const summary = firing?.run === undefined ? undefined : await store.find(firing.run);
  const run = summary ? { run: summary.run, state: summary.state, reason: summary.reason ?? null } : null;
  const servers = await store.servers();
  const answer = firing
    ? ofRow(firing, run)
    : withoutRow({ of, asked, due, instant, state, held, isServed: servers.length > 0 });
  return { ...named, asked, due: iso(due), answer, firing: firing ? firingDocument(firing) : null, run };
}

/** The newest row of a key, or, as consecutive instants may share a row, that of a time. */
async function rowsOf(
  store: RunStore,
  named: TriggerName,
  key: string,
  due: number | undefined,
): Promise<readonly FiringRecord[]> {
  const rows = await store.firings({ ...named, key, limit: 1 });
  return rows.length > 0 || due === undefined ? rows : store.firings({ ...named, at: due, limit: 1 });
}

/** The time that a text names, when it says its zone; undefined for a wall time or a key. */
function timeOf(text: string): number | undefined {
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$/.test(text)) return undefined;
  const at = Date.parse(text);
  return Number.isNaN(at) ? undefined : at;
}

/** The instant of the trigger that a text names. */
function instantOf({ driver, trigger }: NamedTrigger, asked: string, { armed }: TriggerState): Instant | undefined {
  const at = timeOf(asked);
  const wall = /^\d{4}-\d\d-\d\d([T ]\d\d:\d\d(#2)?)?/.exec(asked)?.[0].replace(' ', 'T');
  const near =
    at ?? (wall === undefined ? Number.NaN : Date.parse(`${wall.slice(0, 16)}${wall.length > 10 ? 'Z' : ''}`));
  if (!driver.instants || Number.isNaN(near)) return undefined;
  const after = at === undefined ? near - farthest : at - 1;
  for (const instant of driver.instants(trigger, after, armed)) {
    if (instant.due > near + farthest) return undefined;
    if (at === undefined ? instant.key === asked || instant.key.startsWith(`${wall} `) : instant.due === at)
      return instant;
    if (at !== undefined && instant.due > at) return undefined;
  }
  return undefined;
}

function ofRow(firing: FiringRecord, run: Explanation['run']): string {
  const { outcome, reason, due, noted, count } = firing;
  const late = noted - due > lateMs ? `, ${formatDuration(noted - due)} late` : '';
  const is = run ? `which is ${run.state}${run.reason ? `: ${run.reason}` : ''}` : 'which has been removed';
  const many = count > 1 ? ` (with ${count - 1} others)` : '';
  switch (outcome) {
    case 'started':
      return `it started run ${run?.run ?? ''}${late}, ${is}`.replace('run ,', 'a run,');
    case 'joined':
      return `it joined run ${run?.run ?? ''}, which was waiting, and ${is}`.replace('run ,', 'a run,');
    case 'superseded':
      return `no run of its own: ${reason}${many}`;
    default:
      return `no run: it was ${outcome}, because: ${reason}${many}`;
  }
}

/** Why the ledger has no row. */
function withoutRow(facts: {
  readonly of: NamedTrigger;
  readonly asked: string;
  readonly due: number | undefined;
  readonly instant: Instant | undefined;
  readonly state: TriggerState;
  readonly held: string | undefined;
  readonly isServed: boolean;
}): string {
  const { of, asked, due, instant, state, held, isServed } = facts;
  const says = of.driver.describe(of.trigger);
  if (due === undefined) {
    if (!of.driver.instants) return `the ledger has no row "${asked}"; it fires ${says}`;
    throw rejected(
      `${JSON.stringify(asked)} is no instant of ${of.name}, which fires ${says}`,
      'give a wall time of it such as 2026-11-24T06:00, or a time with its zone such as 2026-11-24T03:00:00Z',
    );
  }
  if (of.driver.instants && !instant) return `it was not due then: it fires ${says}`;
  if (due > state.now) return `it is still to come, in ${formatDuration(due - state.now)}`;
  if (due <= state.armed) return `the trigger was first seen at ${iso(state.armed)}, and owes nothing from before`;
  const pause = currentPause(state.pauses);
  if (pause && due >= pause.from)
    return `it is paused by ${pause.by}${pause.reason ? `: ${pause.reason}` : ''}; the ledger will say so when it is resumed`;
  if (held !== undefined) return `not yet: ${held}`;
  if (state.problem !== undefined) return `not yet: the trigger cannot be looked at: ${state.problem}`;
  if (!isServed) return 'not yet: no `sluice serve` is running for this project';
  return of.driver.instants ? 'not yet: it is due, and no server has looked since' : 'nothing fired at that time';
}
