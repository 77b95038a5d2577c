import type { ServerStore } from '../../../domain/ports/servers.ts';
import type { Query } from './query.ts';

/** Servers and pipelines, in PostgreSQL. */
export const serversOf = (query: Query, project: string): ServerStore => ({
  async announce({ owner, info }) {
    await query(
      `INSERT INTO servers (project, owner, info) VALUES ($1, $2, $3)
       ON CONFLICT (project, owner) DO UPDATE SET info = excluded.info`,
      [project, owner, JSON.stringify(info)],
    );
    await query('DELETE FROM servers WHERE owner NOT IN (SELECT owner FROM controllers) AND owner <> $1', [owner]);
  },

  async servers() {
    const { rows } = await query(
      `SELECT owner, info FROM servers JOIN controllers USING (owner) WHERE project = $1 AND until > now() ORDER BY owner`,
      [project],
    );
    return rows.map(({ owner, info }) => ({ owner, info }));
  },

  async keepPipeline(kept) {
    await query(
      `INSERT INTO pipelines (project, file, body) VALUES ($1, $2, $3)
       ON CONFLICT (project, file) DO UPDATE SET body = excluded.body`,
      [project, kept.file, JSON.stringify(kept)],
    );
  },

  async keptPipeline(file) {
    const { rows } = await query('SELECT body FROM pipelines WHERE project = $1 AND file = $2', [project, file]);
    return rows[0]?.body;
  },
});
