import type { AuditStore } from '../../../domain/ports/audit.ts';
import { auditedOf } from '../token-rows.ts';
import type { Query } from './query.ts';

/** The audit log, in PostgreSQL. */
export const auditOf = (query: Query, project: string): AuditStore => ({
  async recordAudit({ at, by, token, address, action, target, status, detail }) {
    await query(
      `INSERT INTO audit (project, at, by, token, address, action, target, status, detail)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
      [project, at, by, token ?? null, address ?? null, action, target ?? null, status, detail ?? null],
    );
  },

  async audit({ before, limit }) {
    const { rows } = await query(
      `SELECT * FROM audit WHERE project = $1 AND ($2::bigint IS NULL OR number < $2) ORDER BY number DESC LIMIT $3`,
      [project, before ?? null, limit],
    );
    return rows.map(auditedOf);
  },
});
