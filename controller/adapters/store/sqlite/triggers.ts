import type { RunEvent } from '../../../domain/events.ts';
import { currentPause, lastResumed, type Pause, pausesAt, withoutPause, withPause } from '../../../domain/pauses.ts';
import type { NewRun } from '../../../domain/ports/store.ts';
import type { Entered, NewFiring, TriggerName, TriggerState, TriggerStore } from '../../../domain/ports/triggers.ts';
import { countsOfFirings } from '../../../domain/totals.ts';
import { entered, heldAtReset, isChanged, startedRun, stateOf } from '../ledger.ts';
import type { Row } from '../summary.ts';
import type { Database } from './database.ts';
import { ledgerOf, parsed, rowsOf } from './ledger.ts';
import { addTotals } from './totals.ts';

/** What the store gives to the ledger, to call within a transaction. */
interface Within {
  readonly create: (run: NewRun) => unknown;
  readonly request: (run: string, at: number, event: RunEvent) => unknown;
}

const is = 'project = $project AND pipeline = $pipeline AND trigger = $trigger';
/** The runs of a trigger that have not begun to measure. */
const waiting = `FROM runs WHERE ${is} AND ended IS NULL AND state = 'pending' AND NOT measuring`;
/** Triggers and the ledger of their firings, in SQLite. */
export function triggersOf(
  db: Database,
  { create, request }: Within,
  project: string,
  clock: () => number,
): TriggerStore {
  const named = ({ pipeline, trigger }: TriggerName) => ({ project, pipeline, trigger });
  const rowOf = (name: TriggerName): Row | undefined => {
    const row = db.first(`SELECT * FROM triggers WHERE ${is}`, named(name));
    const count = row && db.first(`SELECT count(*) AS waiting ${waiting}`, named(name));
    return row && { ...parsed(row, 'cursor', 'pauses'), ...count, now: clock() };
  };
  const known = (name: TriggerName): TriggerState | undefined => {
    const row = rowOf(name);
    return row && { ...stateOf(row), cursor: row.cursor ?? undefined };
  };
  /** Changes the pauses of a trigger; `change` returns undefined to leave them. */
  const changePauses = (
    name: TriggerName,
    change: (pauses: readonly Pause[], now: number) => readonly Pause[] | undefined,
  ) =>
    db.write(() => {
      const row = rowOf(name);
      const changed = row && change(pausesAt(row.pauses, row.now), row.now);
      if (!changed) return false;
      const pauses = JSON.stringify(changed);
      db.all(`UPDATE triggers SET seq = seq + 1, pauses = $pauses WHERE ${is}`, { ...named(name), pauses });
      return true;
    });

  return {
    knownTrigger: async (name) => known(name),
    async trigger(name) {
      const found = known(name);
      if (found) return found;
      await db.write(() => {
        db.all(
          `INSERT INTO triggers (project, pipeline, trigger, armed) VALUES ($project, $pipeline, $trigger, $now)
           ON CONFLICT DO NOTHING`,
          { ...named(name), now: clock() },
        );
      });
      return known(name) as TriggerState;
    },

    triggers: async () =>
      db
        .all('SELECT pipeline, trigger FROM triggers WHERE project = $project ORDER BY pipeline, trigger', { project })
        .map(({ pipeline, trigger }) => {
          const name = { pipeline, trigger };
          const [last] = rowsOf(db, `${is} ORDER BY number DESC LIMIT 1`, named(name));
          const row = rowOf(name) as Row;
          return { ...name, ...stateOf(row), horizon: row.cursor?.cursor?.horizon, last };
        }),

    fire: (name, seen, all, cursor, isPartial = false) =>
      db.write(() => {
        const row = rowOf(name);
        if (!row || isChanged(row, seen, all)) return undefined;
        if (seen.seq !== undefined) {
          const pauses = pausesAt(row.pauses, row.now);
          const current = currentPause(pauses);
          db.all(
            `UPDATE triggers SET seq = seq + 1, cursor = $cursor, pauses = $pauses, resumed = $resumed WHERE ${is}`,
            {
              ...named(name),
              cursor: JSON.stringify(cursor ?? null),
              pauses: JSON.stringify(isPartial ? pauses : current ? [current] : []),
              resumed: lastResumed(pauses, row.resumed ?? undefined),
            },
          );
        }
        const rows = all.map((firing) => enter(name, row.generation, firing));
        addTotals(db, project, name.pipeline, countsOfFirings(name.trigger, all, rows));
        return rows;
      }),

    ...ledgerOf(db, project, clock),

    pause: (name, pause) => changePauses(name, (pauses, now) => withPause(pauses, pause, now)),
    resume: (name) => changePauses(name, withoutPause),

    reset: (name) =>
      db.write(() => {
        db.all(
          `UPDATE triggers SET seq = seq + 1, generation = generation + 1, cursor = NULL, pauses = '[]', resumed = NULL,
             problem = NULL, armed = $now WHERE ${is}`,
          { ...named(name), now: clock() },
        );
        db.all(`UPDATE firings SET outcome = 'skipped', reason = $reason WHERE ${is} AND outcome = 'held'`, {
          ...named(name),
          reason: heldAtReset,
        });
      }),

    async setProblem(name, problem) {
      if (rowOf(name)?.problem === (problem ?? null)) return;
      await db.write(() => {
        db.all(`UPDATE triggers SET problem = $problem WHERE ${is}`, { ...named(name), problem });
      });
    },

    lastEnds: async (name, since, limit) =>
      db
        .all(
          `SELECT state FROM runs WHERE ${is} AND ended IS NOT NULL AND started >= $since
           ORDER BY number DESC LIMIT $limit`,
          { ...named(name), since, limit },
        )
        .map((row) => row.state),
  };

  function enter(name: TriggerName, generation: number, firing: NewFiring): Entered {
    const { key, due, until, count = 1, payload, replaces = [] } = firing;
    const asked = 'start' in firing.as ? { outcome: 'started', reason: undefined } : firing.as;
    const at = { ...named(name), generation, key };
    const added = db.first(
      `INSERT INTO firings (project, pipeline, trigger, generation, key, due, until, count, payload, outcome, reason, noted)
       VALUES ($project, $pipeline, $trigger, $generation, $key, $due, $until, $count, $payload, $outcome, $reason, $now)
       ON CONFLICT (project, pipeline, trigger, generation, key) DO UPDATE
         SET outcome = excluded.outcome, reason = excluded.reason, noted = excluded.noted,
           payload = coalesce(excluded.payload, firings.payload)
         WHERE firings.outcome IN (SELECT value FROM json_each($replaces))
       RETURNING number`,
      {
        ...at,
        ...{ due, until, count, ...asked, now: clock(), replaces: JSON.stringify(replaces) },
        payload: payload === undefined ? undefined : JSON.stringify(payload),
      },
    );
    if (!added) {
      const sql = `SELECT key, outcome, reason, run FROM firings WHERE ${is} AND generation = $generation AND key = $key`;
      return entered(db.first(sql, at) as Row, false);
    }
    if (!('start' in firing.as)) return entered({ key, ...firing.as }, true);
    const { start, joins } = firing.as;
    const outcome = startedRun(
      firing.as,
      db.all(`SELECT run ${waiting} ORDER BY number DESC`, named(name)).map(({ run }) => run as string),
    );
    if (outcome.outcome === 'joined' && joins) request(outcome.run as string, start.at, joins);
    if (outcome.outcome === 'started') create({ ...start, trigger: name.trigger });
    db.all('UPDATE firings SET outcome = $outcome, reason = $reason, run = $run WHERE number = $number', {
      number: added.number,
      ...outcome,
    });
    return entered({ key, ...outcome }, true);
  }
}
