import type { RunStore } from '../../../domain/ports/store.ts';
import type { Query } from './query.ts';

/** Controllers whose time, by the server's clock, has not run out. */
const living = 'SELECT owner FROM controllers WHERE until > now()';
const free = `ended IS NULL AND (owner IS NULL OR owner NOT IN (${living}))`;

type Drivers = Pick<
  RunStore,
  'attend' | 'controllers' | 'strike' | 'claim' | 'release' | 'orphans' | 'driven' | 'ahead' | 'unswept' | 'swept'
>;

/** Who drives what, in PostgreSQL. */
export function driversOf(query: Query, project: string): Drivers {
  return {
    async attend(owner, forMs) {
      const { rows } = await query(
        `INSERT INTO controllers (owner, until) VALUES ($1, now() + $2 * interval '1 ms')
         ON CONFLICT (owner) DO UPDATE SET until = excluded.until WHERE controllers.until > now()
         RETURNING (extract(epoch FROM now()) * 1000)::bigint AS time`,
        [owner, forMs],
      );
      return rows[0]?.time;
    },

    controllers: async () => (await query(living)).rows.map((row) => row.owner),

    async strike(owner) {
      await query('UPDATE controllers SET until = now() WHERE owner = $1', [owner]);
      await query(`DELETE FROM controllers WHERE until < now() - interval '1 day'`);
    },

    async claim(run, owner) {
      const { rows } = await query(
        `UPDATE runs SET token = CASE WHEN owner = $2 THEN token ELSE token + 1 END, owner = $2
         WHERE run = $1 AND ended IS NULL AND (owner = $2 OR ${free}) AND $2 IN (${living}) RETURNING token`,
        [run, owner],
      );
      return rows[0] ? { run, token: rows[0].token } : undefined;
    },

    async release({ run, token }) {
      await query('UPDATE runs SET owner = NULL WHERE run = $1 AND token = $2', [run, token]);
    },

    async orphans(limit) {
      const { rows } = await query(
        `SELECT run, number, owner FROM runs WHERE project = $1 AND ${free} ORDER BY number LIMIT $2`,
        [project, limit],
      );
      return rows.map(({ run, number, owner }) => ({ run, number, owner: owner ?? undefined }));
    },

    async driven(owner) {
      const { rows } = await query('SELECT run, token, seq FROM runs WHERE owner = $1 AND ended IS NULL', [owner]);
      return new Map(rows.map(({ run, token, seq }) => [run, { token, seq }]));
    },

    async ahead(run) {
      const { rows } = await query(
        `SELECT other.run FROM runs mine JOIN runs other USING (pipeline)
         WHERE mine.run = $1 AND other.project IN (mine.project, '') AND other.number < mine.number AND other.ended IS NULL
         ORDER BY other.number`,
        [run],
      );
      return rows.map((row) => row.run);
    },

    async unswept(graceMs, limit) {
      const { rows } = await query(
        `SELECT run FROM runs WHERE project = $1 AND ended IS NOT NULL AND NOT swept
         AND closed <= now() - $2 * interval '1 ms' ORDER BY number LIMIT $3`,
        [project, graceMs, limit],
      );
      return rows.map((row) => row.run);
    },

    async swept(run) {
      await query('UPDATE runs SET swept = true WHERE run = $1', [run]);
    },
  };
}
