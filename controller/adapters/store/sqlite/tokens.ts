import type { TokenStore } from '../../../domain/ports/tokens.ts';
import type { Row } from '../summary.ts';
import { tokenOf, usedPauseMs } from '../token-rows.ts';
import type { Database } from './database.ts';

const parsed = (row: Row) => tokenOf({ ...row, scopes: JSON.parse(row.scopes), pipelines: JSON.parse(row.pipelines) });

/** API tokens, in SQLite. */
export function tokensOf(db: Database, project: string): TokenStore {
  const is = 'project = $project AND id = $id';
  return {
    addToken: ({ id, name, hash, scopes, pipelines, created, by, expires }) =>
      db.write(() => {
        db.all(
          `INSERT INTO tokens (project, id, name, hash, scopes, pipelines, created, by, expires)
           VALUES ($project, $id, $name, $hash, $scopes, $pipelines, $created, $by, $expires)`,
          {
            ...{ project, id, name, hash, created, by, expires },
            scopes: JSON.stringify(scopes),
            pipelines: JSON.stringify(pipelines),
          },
        );
      }),

    async token(id) {
      const row = db.first(`SELECT * FROM tokens WHERE ${is}`, { project, id });
      return row && parsed(row);
    },

    tokens: async () =>
      db.all('SELECT * FROM tokens WHERE project = $project ORDER BY number DESC', { project }).map(parsed),

    async tokenUsed(id, at) {
      const isDue = `${is} AND (used IS NULL OR used <= $at - ${usedPauseMs})`;
      // Reading first keeps the one writer free.
      if (!db.first(`SELECT 1 FROM tokens WHERE ${isDue}`, { project, id, at })) return;
      await db.write(() => {
        db.all(`UPDATE tokens SET used = $at WHERE ${isDue}`, { project, id, at });
      });
    },

    revokeToken: (id, at) =>
      db.write(
        () =>
          db.first(`UPDATE tokens SET revoked = $at WHERE ${is} AND revoked IS NULL RETURNING id`, {
            project,
            id,
            at,
          }) !== undefined,
      ),
  };
}
