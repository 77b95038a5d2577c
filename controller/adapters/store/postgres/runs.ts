import type { RunFilter } from '../../../domain/ports/run-filter.ts';
import type { CleanupQueue, RunIndex } from '../../../domain/ports/store.ts';
import { hasPublished, likeOf, pastRunOf, summaryColumns, summaryOf } from '../summary.ts';
import type { Query } from './query.ts';

/** The condition of runs that meet a filter, with the values of its parameters. */
function conditionOf(project: string, filter: Omit<RunFilter, 'limit'>) {
  const { pipelines, states, pipeline, trigger, branch, prefix, before, since, until } = filter;
  const condition = `project = $1 AND ($2::text IS NULL OR pipeline = $2) AND ($3::text[] IS NULL OR state = ANY ($3))
    AND ($4::bigint IS NULL OR number < $4) AND ($5::text[] IS NULL OR pipeline LIKE ANY ($5))
    AND ($6::bigint IS NULL OR started >= $6) AND ($7::bigint IS NULL OR started < $7)
    AND ($8::text IS NULL OR trigger = $8) AND ($9::text IS NULL OR branch = $9)
    AND ($10::text IS NULL OR starts_with(run, $10) OR starts_with(pipeline, $10))`;
  const texts = [trigger ?? null, branch ?? null, prefix ?? null];
  const times = [before ?? null, pipelines?.map(likeOf) ?? null, since ?? null, until ?? null];
  return { condition, values: [project, pipeline ?? null, states ?? null, ...times, ...texts] };
}

/** Queries on runs without their histories, in PostgreSQL. */
export function indexOf(query: Query, project: string): RunIndex {
  return {
    async find(run) {
      const { rows } = await query(
        `SELECT owner, ${summaryColumns} FROM runs
         WHERE project = $2 AND (run = $1 OR starts_with(run, $1)) ORDER BY run = $1 DESC LIMIT 2`,
        [run, project],
      );
      const [first, second] = rows;
      if (!first || (second && first.run !== run)) return undefined;
      return { ...summaryOf(first), owner: first.owner ?? undefined };
    },

    async list({ limit, ...filter }) {
      const { condition, values } = conditionOf(project, filter);
      const { rows } = await query(
        `SELECT ${summaryColumns} FROM runs WHERE ${condition} ORDER BY number DESC LIMIT $${values.length + 1}`,
        [...values, limit],
      );
      return rows.map(summaryOf);
    },

    async newest(pipelines, limit) {
      const { rows } = await query(
        `SELECT r.* FROM unnest($2::text[]) AS wanted (name) CROSS JOIN LATERAL (
           SELECT ${summaryColumns} FROM runs WHERE project = $1 AND pipeline = wanted.name ORDER BY number DESC LIMIT $3) r
         ORDER BY r.number DESC`,
        [project, [...new Set(pipelines)], limit],
      );
      return rows.map(summaryOf);
    },

    async starts(filter, everyMs) {
      const { condition, values } = conditionOf(project, filter);
      const from = `started - started % $${values.length + 1}::bigint`;
      const { rows } = await query(
        `SELECT ${from} AS from, state, count(*) AS runs FROM runs WHERE ${condition} GROUP BY 1, 2 ORDER BY 1, 2`,
        [...values, everyMs],
      );
      return rows.map((row) => ({ from: Number(row.from), state: row.state, runs: Number(row.runs) }));
    },

    async activeBefore(run) {
      const { rows } = await query(
        `SELECT other.run FROM runs mine JOIN runs other USING (project, pipeline)
         WHERE mine.run = $1 AND other.number < mine.number AND other.ended IS NULL ORDER BY other.number`,
        [run],
      );
      return rows.map((row) => row.run);
    },

    async lastProfiles(pipeline) {
      const { rows } = await query(
        `SELECT body->'profiles' AS profiles FROM events JOIN runs USING (run)
         WHERE runs.project = $2 AND pipeline = $1 AND ${hasPublished} AND body->>'type' = 'sources-measured'
         ORDER BY number DESC, events.seq DESC LIMIT 1`,
        [pipeline, project],
      );
      return rows[0]?.profiles ?? {};
    },

    async lastPlanned(pipeline) {
      const last = (type: '$3' | '$4'): string =>
        `(SELECT body FROM events e WHERE e.run = r.run AND body->>'type' = ${type} ORDER BY e.seq DESC LIMIT 1)`;
      // From its plan on, a run has a branch, which may be empty.
      const { rows } = await query(
        `SELECT r.*, ${last('$3')}->'plan' AS plan, ${last('$4')}->'profiles' AS profiles
         FROM (SELECT ${summaryColumns} FROM runs WHERE project = $2 AND pipeline = $1 AND branch IS NOT NULL
               ORDER BY number DESC LIMIT 1) r`,
        [pipeline, project, 'planned', 'sources-measured'],
      );
      const [row] = rows;
      return row && { ...summaryOf(row), plan: row.plan, profiles: row.profiles };
    },

    async lastMeasures(pipeline, limit) {
      const { rows } = await query(
        `SELECT r.run, m.at, first.body->'cause' AS cause, first.body->'again' AS again,
           CASE WHEN ${hasPublished} THEN ended - started END AS ms,
           (SELECT json_object_agg(key, value->'measures') FROM json_each(m.body->'profiles')) AS measures
         FROM (SELECT run, number, state, started, ended FROM runs
               WHERE project = $2 AND pipeline = $1 AND branch IS NOT NULL ORDER BY number DESC LIMIT $3) r
         CROSS JOIN LATERAL (SELECT at, body FROM events e WHERE e.run = r.run AND body->>'type' = 'sources-measured'
                             ORDER BY e.seq DESC LIMIT 1) m
         JOIN events first ON first.run = r.run AND first.seq = 1
         ORDER BY r.number DESC`,
        [pipeline, project, limit],
      );
      return rows.map(pastRunOf);
    },
  };
}

/** Pending cleanup of ended runs, in PostgreSQL. */
export function cleanupOf(query: Query, project: string): CleanupQueue {
  const closedFor = (parameter: string): string => `closed <= now() - ${parameter} * interval '1 ms'`;
  return {
    async pendingCleanup(graceMs, limit) {
      const { rows } = await query(
        `SELECT run FROM runs WHERE project = $1 AND ended IS NOT NULL AND NOT swept AND ${closedFor('$2')}
         ORDER BY number LIMIT $3`,
        [project, graceMs, limit],
      );
      return rows.map((row) => row.run);
    },

    async cleanedUp(run) {
      await query('UPDATE runs SET swept = true WHERE run = $1', [run]);
    },

    async beyondRetention(ageMs, limit) {
      const { rows } = await query(
        `WITH last AS (
           SELECT max(number) AS number FROM runs WHERE project = $1 AND ${hasPublished} GROUP BY pipeline
         )
         SELECT run, pipeline FROM runs WHERE project = $1 AND ended IS NOT NULL AND swept AND ${closedFor('$2')}
           AND number NOT IN (SELECT number FROM last) ORDER BY number LIMIT $3`,
        [project, ageMs, limit],
      );
      return rows.map(({ run, pipeline }) => ({ run, pipeline }));
    },

    async remove(run) {
      await query(
        `WITH gone AS (SELECT run FROM runs WHERE run = $1 AND ended IS NOT NULL),
           e AS (DELETE FROM events WHERE run IN (SELECT run FROM gone)),
           o AS (DELETE FROM outbox WHERE run IN (SELECT run FROM gone))
         DELETE FROM runs WHERE run IN (SELECT run FROM gone)`,
        [run],
      );
    },
  };
}
