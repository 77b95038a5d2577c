import type { ServerStore } from '../../../domain/ports/servers.ts';
import type { Database } from './database.ts';

/** Servers and pipelines, in SQLite. */
export const serversOf = (db: Database, project: string, clock: () => number): ServerStore => ({
  announce: ({ owner, info }) =>
    db.write(() => {
      db.all(
        `INSERT INTO servers (project, owner, info) VALUES ($project, $owner, $info)
         ON CONFLICT (project, owner) DO UPDATE SET info = excluded.info`,
        { project, owner, info: JSON.stringify(info) },
      );
      db.all('DELETE FROM servers WHERE owner NOT IN (SELECT owner FROM controllers) AND owner <> $owner', { owner });
    }),

  servers: async () =>
    db
      .all(
        `SELECT owner, info FROM servers JOIN controllers USING (owner)
         WHERE project = $project AND until > $now ORDER BY owner`,
        { project, now: clock() },
      )
      .map(({ owner, info }) => ({ owner, info: JSON.parse(info) })),

  keepPipeline: (kept) =>
    db.write(() => {
      db.all(
        `INSERT INTO pipelines (project, file, body) VALUES ($project, $file, $body)
         ON CONFLICT (project, file) DO UPDATE SET body = excluded.body`,
        { project, file: kept.file, body: JSON.stringify(kept) },
      );
    }),

  async keptPipeline(file) {
    const row = db.first('SELECT body FROM pipelines WHERE project = $project AND file = $file', { project, file });
    return row && JSON.parse(row.body);
  },
});
