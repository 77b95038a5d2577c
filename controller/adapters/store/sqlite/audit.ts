import type { AuditStore } from '../../../domain/ports/audit.ts';
import { auditedOf } from '../token-rows.ts';
import type { Database } from './database.ts';

/** The audit log, in SQLite. */
export const auditOf = (db: Database, project: string): AuditStore => ({
  recordAudit: ({ at, by, token, address, action, target, status, detail }) =>
    db.write(() => {
      db.all(
        `INSERT INTO audit (project, at, by, token, address, action, target, status, detail)
         VALUES ($project, $at, $by, $token, $address, $action, $target, $status, $detail)`,
        { project, at, by, token, address, action, target, status, detail },
      );
    }),

  audit: async ({ before, limit }) =>
    db
      .all(
        `SELECT * FROM audit WHERE project = $project AND ($before IS NULL OR number < $before)
         ORDER BY number DESC LIMIT $limit`,
        { project, before, limit },
      )
      .map(auditedOf),
});
