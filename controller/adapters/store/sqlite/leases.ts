import type { LeaseStore } from '../../../domain/ports/store.ts';
import type { Database } from './database.ts';

/** Controllers with a valid lease. All of them are on one machine and share its clock. */
const living = 'SELECT owner FROM controllers WHERE until > $now';
const free = `ended IS NULL AND (owner IS NULL OR owner NOT IN (${living}))`;
const dayMs = 86_400_000;

/** Leases of controllers, runs and roles, in SQLite. */
export function leasesOf(db: Database, project: string, clock: () => number): LeaseStore {
  return {
    heartbeat: (owner, forMs) =>
      db.write(() => {
        const now = clock();
        const row = db.first(
          `INSERT INTO controllers (owner, until) VALUES ($owner, $until)
           ON CONFLICT (owner) DO UPDATE SET until = excluded.until WHERE controllers.until > $now RETURNING 1`,
          { owner, until: now + forMs, now },
        );
        return row && now;
      }),

    controllers: async () => db.all(living, { now: clock() }).map((row) => row.owner),

    expire: (owner) =>
      db.write(() => {
        const now = clock();
        db.all('UPDATE controllers SET until = min(until, $now) WHERE owner = $owner', { owner, now });
        db.all('DELETE FROM controllers WHERE until < $old', { old: now - dayMs });
      }),

    claim: (run, owner) =>
      db.write(() => {
        const row = db.first(
          `UPDATE runs SET token = token + (owner IS NOT $owner), owner = $owner
           WHERE run = $run AND ended IS NULL AND (owner = $owner OR ${free}) AND $owner IN (${living})
           RETURNING token`,
          { run, owner, now: clock() },
        );
        return row && { run, token: row.token };
      }),

    release: ({ run, token }) =>
      db.write(() => {
        db.all('UPDATE runs SET owner = NULL WHERE run = $run AND token = $token', { run, token });
      }),

    orphaned: async (limit) =>
      db
        .all(`SELECT run, number, owner FROM runs WHERE project = $project AND ${free} ORDER BY number LIMIT $limit`, {
          project,
          now: clock(),
          limit,
        })
        .map(({ run, number, owner }) => ({ run, number, owner: owner ?? undefined })),

    held: async (owner) =>
      new Map(
        db
          .all('SELECT run, token, seq FROM runs WHERE owner = $owner AND ended IS NULL', { owner })
          .map(({ run, token, seq }) => [run, { token, seq }]),
      ),

    claimRole: (role, owner, forMs) =>
      db.write(() => {
        const now = clock();
        const row = db.first(
          `INSERT INTO roles (project, role, owner, until) VALUES ($project, $role, $owner, $until)
           ON CONFLICT (project, role) DO UPDATE SET owner = excluded.owner, until = excluded.until
           WHERE roles.owner = $owner OR roles.until <= $now OR roles.owner NOT IN (${living}) RETURNING 1`,
          { project, role, owner, until: now + forMs, now },
        );
        return row !== undefined;
      }),

    roles: async () =>
      db
        .all(
          `SELECT role, owner FROM roles WHERE project = $project AND until > $now AND owner IN (${living})
           ORDER BY role`,
          { project, now: clock() },
        )
        .map(({ role, owner }) => ({ role, owner })),
  };
}
