import type { LeaseStore } from '../../../domain/ports/store.ts';
import type { Query } from './query.ts';

/** Controllers with a valid lease, by the server's clock. */
const living = 'SELECT owner FROM controllers WHERE until > now()';
const free = `ended IS NULL AND (owner IS NULL OR owner NOT IN (${living}))`;

/** Leases of controllers, runs and roles, in PostgreSQL. */
export function leasesOf(query: Query, project: string): LeaseStore {
  return {
    async heartbeat(owner, forMs) {
      const { rows } = await query(
        `INSERT INTO controllers (owner, until) VALUES ($1, now() + $2 * interval '1 ms')
         ON CONFLICT (owner) DO UPDATE SET until = excluded.until WHERE controllers.until > now()
         RETURNING (extract(epoch FROM now()) * 1000)::bigint AS time`,
        [owner, forMs],
      );
      return rows[0]?.time;
    },

    controllers: async () => (await query(living)).rows.map((row) => row.owner),

    async expire(owner) {
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

    async orphaned(limit) {
      const { rows } = await query(
        `SELECT run, number, owner FROM runs WHERE project = $1 AND ${free} ORDER BY number LIMIT $2`,
        [project, limit],
      );
      return rows.map(({ run, number, owner }) => ({ run, number, owner: owner ?? undefined }));
    },

    async held(owner) {
      const { rows } = await query('SELECT run, token, seq FROM runs WHERE owner = $1 AND ended IS NULL', [owner]);
      return new Map(rows.map(({ run, token, seq }) => [run, { token, seq }]));
    },

    async claimRole(role, owner, forMs) {
      const { rowCount } = await query(
        `INSERT INTO roles (project, role, owner, until) VALUES ($1, $2, $3, now() + $4 * interval '1 ms')
         ON CONFLICT (project, role) DO UPDATE SET owner = excluded.owner, until = excluded.until
         WHERE roles.owner = $3 OR roles.until <= now() OR roles.owner NOT IN (${living})`,
        [project, role, owner, forMs],
      );
      return rowCount === 1;
    },

    async roles() {
      const { rows } = await query(
        `SELECT role, owner FROM roles WHERE project = $1 AND until > now() AND owner IN (${living}) ORDER BY role`,
        [project],
      );
      return rows.map(({ role, owner }) => ({ role, owner }));
    },
  };
}
