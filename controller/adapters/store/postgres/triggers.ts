import { currentPause, lastResumed, type Pause, pausesAt, withoutPause, withPause } from '../../../domain/pauses.ts';
import type { Entered, TriggerName, TriggerState, TriggerStore } from '../../../domain/ports/triggers.ts';
import { countsOfFirings } from '../../../domain/totals.ts';
import { firingOf, heldAtReset, isChanged, stateOf } from '../ledger.ts';
import { likeOf } from '../summary.ts';
import { numbering } from './feed.ts';
import { enter, removeFirings, type Within, waiting } from './firings.ts';
import { addTotals } from './totals.ts';

const ms = (column: string): string => `(extract(epoch FROM ${column}) * 1000)::bigint AS ${column}`;
const columns = `number, pipeline, trigger, generation, key, due, until, count, outcome, reason, run, payload, ${ms('noted')}`;
const stateColumns = `pipeline, trigger, seq, generation, pauses, problem, ${ms('armed')}, ${ms('resumed')},
  (extract(epoch FROM now()) * 1000)::bigint AS now,
  (SELECT count(*) ${waiting('t.project', 't.pipeline', 't.trigger')}) AS waiting`;
const selectState = `SELECT ${stateColumns}, cursor FROM triggers t`;
const lastFiring = `SELECT ${columns} FROM firings f
  WHERE (f.project, f.pipeline, f.trigger) = (t.project, t.pipeline, t.trigger) ORDER BY number DESC LIMIT 1`;

/** Triggers and the ledger of their firings, in PostgreSQL. */
export function triggersOf(within: Within, project: string): TriggerStore {
  const { query, transaction } = within;
  const is = 'project = $1 AND pipeline = $2 AND trigger = $3';
  const named = ({ pipeline, trigger }: TriggerName): unknown[] => [project, pipeline, trigger];

  /** Changes the pauses of a trigger; `change` returns undefined to leave them. */
  const changePauses = (
    name: TriggerName,
    change: (pauses: readonly Pause[], now: number) => readonly Pause[] | undefined,
  ) =>
    transaction(async (client) => {
      const { rows } = await client.query(`${selectState} WHERE ${is} FOR UPDATE`, named(name));
      const [row] = rows;
      const changed = row && change(pausesAt(row.pauses, row.now), row.now);
      if (!changed) return false;
      await client.query(`UPDATE triggers SET seq = seq + 1, pauses = $4 WHERE ${is}`, [
        ...named(name),
        JSON.stringify(changed),
      ]);
      return true;
    });

  const known = async (name: TriggerName): Promise<TriggerState | undefined> => {
    const { rows } = await query(`${selectState} WHERE ${is}`, named(name));
    return rows[0] && { ...stateOf(rows[0]), cursor: rows[0].cursor ?? undefined };
  };

  return {
    knownTrigger: known,
    async trigger(name) {
      const found = await known(name);
      if (found) return found;
      const sql = 'INSERT INTO triggers (project, pipeline, trigger) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING';
      await query(sql, named(name));
      return (await known(name)) as TriggerState;
    },

    async triggers() {
      const { rows } = await query(
        `SELECT ${stateColumns}, (cursor->'cursor'->>'horizon')::bigint AS horizon, (SELECT row_to_json(f) FROM (${lastFiring}) f) AS last
         FROM triggers t WHERE project = $1 ORDER BY pipeline, trigger`,
        [project],
      );
      return rows.map((row) => {
        const { pipeline, trigger, horizon, last } = row;
        return {
          ...{ pipeline, trigger, ...stateOf(row) },
          ...{ horizon: horizon ?? undefined, last: last ? firingOf(last) : undefined },
        };
      });
    },

    fire: (name, seen, firings, cursor, isPartial = false) =>
      transaction(async (client) => {
        if (firings.some(({ as }) => 'start' in as)) await numbering(client, name.pipeline);
        const lock = seen.seq === undefined ? 'SHARE' : 'UPDATE';
        const { rows } = await client.query(`${selectState} WHERE ${is} FOR ${lock}`, named(name));
        const [row] = rows;
        if (!row || isChanged(row, seen, firings)) return undefined;
        if (seen.seq !== undefined) {
          const pauses = pausesAt(row.pauses, row.now);
          const current = currentPause(pauses);
          await client.query(
            `UPDATE triggers SET seq = seq + 1, cursor = $4, pauses = $5, resumed = to_timestamp($6 / 1000.0) WHERE ${is}`,
            [
              ...named(name),
              JSON.stringify(cursor ?? null),
              JSON.stringify(isPartial ? pauses : current ? [current] : []),
              lastResumed(pauses, row.resumed ?? undefined) ?? null,
            ],
          );
        }
        const all: Entered[] = [];
        for (const firing of firings) all.push(await enter(client, within, project, name, row.generation, firing));
        await addTotals(client, project, name.pipeline, countsOfFirings(name.trigger, firings, all));
        return all;
      }),

    async firings({ pipelines, pipeline, trigger, outcome, run, key, at, since, until, before, limit }) {
      const { rows } = await query(
        `SELECT ${columns} FROM firings
         WHERE project = $1 AND ($2::text IS NULL OR pipeline = $2) AND ($3::text IS NULL OR trigger = $3)
           AND ($4::text IS NULL OR outcome = $4) AND ($5::text IS NULL OR run = $5)
           AND ($6::bigint IS NULL OR $6 BETWEEN due AND coalesce(until, due)) AND ($7::bigint IS NULL OR number < $7)
           AND ($9::bigint IS NULL OR coalesce(until, due) >= $9) AND ($10::bigint IS NULL OR due < $10)
           AND ($11::text[] IS NULL OR pipeline LIKE ANY ($11))
           AND ($12::text IS NULL OR key = $12 OR starts_with(key, $12 || ' again-'))
         ORDER BY number DESC LIMIT $8`,
        [project, pipeline, trigger, outcome, run, at, before, limit, since, until, pipelines?.map(likeOf), key].map(
          (value) => value ?? null,
        ),
      );
      return rows.map(firingOf);
    },

    removeFirings: (ageMs, newest, limit) => removeFirings(query, project, { ageMs, newest, limit }),

    pause: (name, pause) => changePauses(name, (pauses, now) => withPause(pauses, pause, now)),
    resume: (name) => changePauses(name, withoutPause),

    // The trigger first, as `fire` does: two that take the same locks in another order would wait for each other.
    reset: (name) =>
      transaction(async (client) => {
        await client.query(
          `UPDATE triggers SET seq = seq + 1, generation = generation + 1, cursor = NULL, pauses = '[]', resumed = NULL,
             problem = NULL, armed = now() WHERE ${is}`,
          named(name),
        );
        await client.query(`UPDATE firings SET outcome = 'skipped', reason = $4 WHERE ${is} AND outcome = 'held'`, [
          ...named(name),
          heldAtReset,
        ]);
      }),

    async setProblem(name, problem) {
      const sql = `UPDATE triggers SET problem = $4 WHERE ${is} AND problem IS DISTINCT FROM $4`;
      await query(sql, [...named(name), problem ?? null]);
    },

    async lastEnds(name, since, limit) {
      const { rows } = await query(
        `SELECT state FROM runs WHERE ${is} AND ended IS NOT NULL AND started >= $4 ORDER BY number DESC LIMIT $5`,
        [...named(name), since, limit],
      );
      return rows.map((row) => row.state);
    },
  };
}
