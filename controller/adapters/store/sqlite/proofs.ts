import type { ProofStore } from '../../../domain/ports/store.ts';
import { afterComparison } from '../../../domain/proof.ts';
import type { Database } from './database.ts';

/** Proofs, in SQLite. */
export const proofsOf = (db: Database, project: string): ProofStore => ({
  proofs: async (pairs) =>
    db
      .all('SELECT body FROM proofs WHERE project = $project AND pair IN (SELECT value FROM json_each($pairs))', {
        project,
        pairs: JSON.stringify(pairs),
      })
      .map(({ body }) => JSON.parse(body)),

  compared: (comparison) =>
    db.write(() => {
      const { pair } = comparison;
      const before = db.first('SELECT body FROM proofs WHERE project = $project AND pair = $pair', { project, pair });
      const proof = afterComparison(before && JSON.parse(before.body), comparison);
      db.all(
        `INSERT INTO proofs (project, pair, body) VALUES ($project, $pair, $body)
         ON CONFLICT (project, pair) DO UPDATE SET body = excluded.body`,
        { project, pair, body: JSON.stringify(proof) },
      );
      return proof;
    }),
});
