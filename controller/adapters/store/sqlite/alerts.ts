import type { AlertChange } from '../../../domain/alerts.ts';
import type { AlertStore } from '../../../domain/ports/alerts.ts';
import { alertOf, Refused, unlessRefused } from '../alert-rows.ts';
import type { Row } from '../summary.ts';
import type { Database } from './database.ts';
import { addMessages } from './outbox.ts';

const parsed = (row: Row) =>
  alertOf({
    ...row,
    ...Object.fromEntries(['labels', 'facts', 'sent', 'acknowledged'].map((name) => [name, JSON.parse(row[name])])),
  });

/** Alerts, in SQLite. */
export function alertsOf(db: Database, project: string, clock: () => number): AlertStore {
  function change(at: number, of: AlertChange): boolean {
    if ('begins' in of) {
      const { name, labels, severity, facts } = of.begins;
      const made = db.first(
        `INSERT INTO alerts (project, name, labels, severity, facts, began, sent)
         VALUES ($project, $name, $labels, $severity, $facts, $at, $sent)
         ON CONFLICT (project, name, labels) WHERE ended IS NULL DO NOTHING RETURNING id`,
        {
          ...{ project, name, severity, at },
          ...{ labels: JSON.stringify(labels), facts: JSON.stringify(facts), sent: JSON.stringify(of.sent) },
        },
      );
      return made !== undefined;
    }
    const changed = db.first(
      `UPDATE alerts SET seq = seq + 1, facts = coalesce($facts, facts), sent = coalesce($sent, sent), ended = $ended
       WHERE project = $project AND id = $id AND seq = $seq AND ended IS NULL RETURNING id`,
      {
        ...{ project, id: of.of.id, seq: of.of.seq, ended: of.ends && at },
        ...{ facts: of.facts && JSON.stringify(of.facts), sent: of.sent && JSON.stringify(of.sent) },
      },
    );
    return changed !== undefined;
  }

  return {
    alerts: async ({ isOpen, before, limit }) =>
      db
        .all(
          `SELECT * FROM alerts WHERE project = $project AND ($isOpen IS NULL OR (ended IS NULL) = $isOpen)
             AND ($before IS NULL OR id < $before) ORDER BY id DESC LIMIT $limit`,
          { project, isOpen: isOpen === undefined ? undefined : Number(isOpen), before, limit },
        )
        .map(parsed),

    changeAlerts: (at, changes, messages) =>
      unlessRefused(
        db.write(() => {
          for (const each of changes) if (!change(at, each)) throw new Refused();
          addMessages(db, project, clock(), messages);
        }),
      ),

    acknowledgeAlert: (id, by, at) =>
      db.write(
        () =>
          db.first(
            `UPDATE alerts SET seq = seq + 1, acknowledged = $acknowledged
             WHERE project = $project AND id = $id AND ended IS NULL AND acknowledged IS NULL RETURNING id`,
            { project, id, acknowledged: JSON.stringify({ by, at }) },
          ) !== undefined,
      ),

    removeAlerts: (before, limit) =>
      db.write(() => {
        db.all(
          `DELETE FROM alerts WHERE id IN (
             SELECT id FROM alerts WHERE project = $project AND ended < $before ORDER BY id LIMIT $limit)`,
          { project, before, limit },
        );
        db.all(
          `DELETE FROM outbox WHERE number IN (
             SELECT number FROM outbox WHERE project = $project AND run IS NULL AND state <> 'waiting'
               AND entered < $before ORDER BY number LIMIT $limit)`,
          { project, before, limit },
        );
      }),
  };
}
