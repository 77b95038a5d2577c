import type pg from 'pg';
import type { ProofStore } from '../../../domain/ports/store.ts';
import { afterComparison } from '../../../domain/proof.ts';
import type { Query } from './query.ts';

/** Proofs, in PostgreSQL. */
export const proofsOf = (
  query: Query,
  transaction: <T>(work: (client: pg.PoolClient) => Promise<T>) => Promise<T>,
  project: string,
): ProofStore => ({
  async proofs(pairs) {
    const { rows } = await query('SELECT body FROM proofs WHERE project = $1 AND pair = ANY ($2)', [project, pairs]);
    return rows.map(({ body }) => body);
  },

  compared: (comparison) =>
    transaction(async (client) => {
      const { pair } = comparison;
      // The row exists before it is locked, so that two comparisons take turns.
      await client.query('INSERT INTO proofs (project, pair) VALUES ($1, $2) ON CONFLICT DO NOTHING', [project, pair]);
      const key = 'project = $1 AND pair = $2';
      const { rows } = await client.query(`SELECT body FROM proofs WHERE ${key} FOR UPDATE`, [project, pair]);
      const proof = afterComparison(rows[0].body ?? undefined, comparison);
      await client.query(`UPDATE proofs SET body = $3 WHERE ${key}`, [project, pair, JSON.stringify(proof)]);
      return proof;
    }),
});
