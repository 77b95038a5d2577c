import type { RunFilter } from '../../../domain/ports/run-filter.ts';
import type { CleanupQueue, RunIndex } from '../../../domain/ports/store.ts';
import { hasPublished, likeOf, pastRunOf, summaryColumns, summaryOf } from '../summary.ts';
import type { Database } from './database.ts';

const parsed = (json: string | null): unknown => (json === null ? null : JSON.parse(json));

/** The condition of runs that meet a filter, and the values of its parameters beside $project. */
const meetsFilter = `project = $project AND ($pipeline IS NULL OR pipeline = $pipeline)
  AND ($trigger IS NULL OR trigger = $trigger) AND ($branch IS NULL OR branch = $branch)
  AND ($prefix IS NULL OR $prefix IN (substr(run, 1, length($prefix)), substr(pipeline, 1, length($prefix))))
  AND ($states IS NULL OR state IN (SELECT value FROM json_each($states)))
  AND ($before IS NULL OR number < $before)
  AND ($since IS NULL OR started >= $since) AND ($until IS NULL OR started < $until)
  AND ($like IS NULL OR EXISTS (SELECT 1 FROM json_each($like) WHERE pipeline LIKE value ESCAPE '\\'))`;
const filterValues = ({ pipelines, states, ...rest }: Omit<RunFilter, 'limit'>) => {
  const { pipeline, trigger, branch, prefix, before, since, until } = rest;
  return {
    ...{ pipeline, trigger, branch, prefix, before, since, until },
    states: states && JSON.stringify(states),
    like: pipelines && JSON.stringify(pipelines.map(likeOf)),
  };
};

/** Queries on runs without their histories, in SQLite. */
export function indexOf(db: Database, project: string): RunIndex {
  /** The last event of a type, in the last run of a pipeline that meets the condition. */
  const lastEvent = (pipeline: string, type: string, condition: string) => {
    const row = db.first(
      `SELECT body FROM events WHERE body->>'type' = $type AND run = (
         SELECT run FROM runs WHERE project = $project AND pipeline = $pipeline AND ${condition}
         ORDER BY number DESC LIMIT 1
       ) ORDER BY seq DESC LIMIT 1`,
      { project, pipeline, type },
    );
    return row && JSON.parse(row.body);
  };
  return {
    async find(run) {
      const [first, second] = db.all(
        `SELECT owner, ${summaryColumns} FROM runs
         WHERE project = $project AND substr(run, 1, length($run)) = $run ORDER BY run = $run DESC LIMIT 2`,
        { project, run },
      );
      if (!first || (second && first.run !== run)) return undefined;
      return { ...summaryOf(first), owner: first.owner ?? undefined };
    },

    list: async ({ limit, ...filter }) =>
      db
        .all(`SELECT ${summaryColumns} FROM runs WHERE ${meetsFilter} ORDER BY number DESC LIMIT $limit`, {
          ...{ project, limit },
          ...filterValues(filter),
        })
        .map(summaryOf),

    newest: async (pipelines, limit) =>
      [...new Set(pipelines)]
        .flatMap((pipeline) =>
          db.all(
            `SELECT ${summaryColumns} FROM runs WHERE project = $project AND pipeline = $pipeline
             ORDER BY number DESC LIMIT $limit`,
            { project, pipeline, limit },
          ),
        )
        .map(summaryOf)
        .sort((a, b) => b.number - a.number),

    starts: async (filter, everyMs) =>
      db
        .all(
          `SELECT started - started % $everyMs AS "from", state, count(*) AS runs FROM runs
           WHERE ${meetsFilter} GROUP BY 1, 2 ORDER BY 1, 2`,
          { project, everyMs, ...filterValues(filter) },
        )
        .map(({ from, state, runs }) => ({ from, state, runs })),

    activeBefore: async (run) =>
      db
        .all(
          `SELECT other.run FROM runs mine JOIN runs other USING (project, pipeline)
           WHERE mine.run = $run AND other.number < mine.number AND other.ended IS NULL ORDER BY other.number`,
          { run },
        )
        .map((row) => row.run),

    lastProfiles: async (pipeline) => lastEvent(pipeline, 'sources-measured', hasPublished)?.profiles ?? {},

    async lastPlanned(pipeline) {
      // From its plan on, a run has a branch, which may be empty.
      const isPlanned = 'branch IS NOT NULL';
      const row = db.first(
        `SELECT ${summaryColumns} FROM runs
         WHERE project = $project AND pipeline = $pipeline AND ${isPlanned} ORDER BY number DESC LIMIT 1`,
        { project, pipeline },
      );
      if (!row) return undefined;
      const { plan } = lastEvent(pipeline, 'planned', isPlanned);
      return { ...summaryOf(row), plan, profiles: lastEvent(pipeline, 'sources-measured', isPlanned).profiles };
    },

    lastMeasures: async (pipeline, limit) =>
      db
        .all(
          `SELECT r.run, m.at, first.body->'cause' AS cause, first.body->'again' AS again,
             CASE WHEN ${hasPublished} THEN ended - started END AS ms,
             (SELECT json_group_object(key, json(value->'measures')) FROM json_each(m.body, '$.profiles')) AS measures
           FROM (SELECT run, number, state, started, ended FROM runs
                 WHERE project = $project AND pipeline = $pipeline AND branch IS NOT NULL
                 ORDER BY number DESC LIMIT $limit) r
           JOIN events m ON m.run = r.run AND m.seq = (
             SELECT max(seq) FROM events e WHERE e.run = r.run AND body->>'type' = 'sources-measured')
           JOIN events first ON first.run = r.run AND first.seq = 1
           ORDER BY r.number DESC`,
          { project, pipeline, limit },
        )
        .map(({ cause, again, measures, ...row }) =>
          pastRunOf({ ...row, cause: parsed(cause), again: parsed(again), measures: parsed(measures) }),
        ),
  };
}

/** Pending cleanup of ended runs, in SQLite. */
export function cleanupOf(db: Database, project: string, clock: () => number): CleanupQueue {
  return {
    pendingCleanup: async (graceMs, limit) =>
      db
        .all(
          `SELECT run FROM runs WHERE project = $project AND ended IS NOT NULL AND NOT swept AND closed <= $closed
           ORDER BY number LIMIT $limit`,
          { project, closed: clock() - graceMs, limit },
        )
        .map((row) => row.run),

    cleanedUp: (run) =>
      db.write(() => {
        db.all('UPDATE runs SET swept = 1 WHERE run = $run', { run });
      }),

    beyondRetention: async (ageMs, limit) =>
      db
        .all(
          `SELECT run, pipeline FROM runs
           WHERE project = $project AND ended IS NOT NULL AND swept AND closed <= $closed AND number NOT IN (
             SELECT max(number) FROM runs WHERE project = $project AND ${hasPublished} GROUP BY pipeline
           ) ORDER BY number LIMIT $limit`,
          { project, closed: clock() - ageMs, limit },
        )
        .map(({ run, pipeline }) => ({ run, pipeline })),

    remove: (run) =>
      db.write(() => {
        if (!db.first('SELECT 1 FROM runs WHERE run = $run AND ended IS NOT NULL', { run })) return;
        for (const table of ['events', 'outbox', 'runs']) db.all(`DELETE FROM ${table} WHERE run = $run`, { run });
      }),
  };
}
