import type { TokenStore } from '../../../domain/ports/tokens.ts';
import { tokenOf, usedPauseMs } from '../token-rows.ts';
import type { Query } from './query.ts';

/** API tokens, in PostgreSQL. */
export function tokensOf(query: Query, project: string): TokenStore {
  const is = 'project = $1 AND id = $2';
  return {
    async addToken({ id, name, hash, scopes, pipelines, created, by, expires }) {
      await query(
        `INSERT INTO tokens (project, id, name, hash, scopes, pipelines, created, by, expires)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
        [project, id, name, hash, scopes, pipelines, created, by, expires ?? null],
      );
    },

    async token(id) {
      const { rows } = await query(`SELECT * FROM tokens WHERE ${is}`, [project, id]);
      return rows[0] && tokenOf(rows[0]);
    },

    async tokens() {
      const { rows } = await query('SELECT * FROM tokens WHERE project = $1 ORDER BY number DESC', [project]);
      return rows.map(tokenOf);
    },

    async tokenUsed(id, at) {
      await query(`UPDATE tokens SET used = $3 WHERE ${is} AND (used IS NULL OR used <= $3 - ${usedPauseMs})`, [
        project,
        id,
        at,
      ]);
    },

    async revokeToken(id, at) {
      const { rowCount } = await query(`UPDATE tokens SET revoked = $3 WHERE ${is} AND revoked IS NULL`, [
        project,
        id,
        at,
      ]);
      return rowCount === 1;
    },
  };
}
