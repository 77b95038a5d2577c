import type pg from 'pg';
import type { AlertChange } from '../../../domain/alerts.ts';
import type { AlertStore } from '../../../domain/ports/alerts.ts';
import { alertOf, Refused, unlessRefused } from '../alert-rows.ts';
import { addMessages } from './outbox.ts';
import type { Query } from './query.ts';

/** Alerts, in PostgreSQL. */
export function alertsOf(
  query: Query,
  transaction: <T>(work: (client: pg.PoolClient) => Promise<T>) => Promise<T>,
  project: string,
): AlertStore {
  async function change(client: pg.PoolClient, at: number, of: AlertChange): Promise<boolean> {
    if ('begins' in of) {
      const { name, labels, severity, facts } = of.begins;
      const values = [project, name, JSON.stringify(labels), severity, JSON.stringify(facts), at];
      const { rowCount } = await client.query(
        `INSERT INTO alerts (project, name, labels, severity, facts, began, sent) VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (project, name, labels) WHERE ended IS NULL DO NOTHING`,
        [...values, JSON.stringify(of.sent)],
      );
      return rowCount === 1;
    }
    const { rowCount } = await client.query(
      `UPDATE alerts SET seq = seq + 1, facts = coalesce($4, facts), sent = coalesce($5, sent), ended = $6
       WHERE project = $1 AND id = $2 AND seq = $3 AND ended IS NULL`,
      [
        ...[project, of.of.id, of.of.seq],
        ...[of.facts, of.sent].map((each) => (each ? JSON.stringify(each) : null)),
        of.ends ? at : null,
      ],
    );
    return rowCount === 1;
  }

  return {
    async alerts({ isOpen, before, limit }) {
      const { rows } = await query(
        `SELECT * FROM alerts WHERE project = $1 AND ($2::boolean IS NULL OR (ended IS NULL) = $2)
           AND ($3::bigint IS NULL OR id < $3) ORDER BY id DESC LIMIT $4`,
        [project, isOpen ?? null, before ?? null, limit],
      );
      return rows.map((row) => alertOf({ ...row, labels: JSON.parse(row.labels) }));
    },

    changeAlerts: (at, changes, messages) =>
      unlessRefused(
        transaction(async (client) => {
          for (const each of changes) if (!(await change(client, at, each))) throw new Refused();
          await addMessages(client, project, messages);
        }),
      ),

    async acknowledgeAlert(id, by, at) {
      const { rowCount } = await query(
        `UPDATE alerts SET seq = seq + 1, acknowledged = $3
         WHERE project = $1 AND id = $2 AND ended IS NULL AND acknowledged IS NULL`,
        [project, id, JSON.stringify({ by, at })],
      );
      return rowCount === 1;
    },

    async removeAlerts(before, limit) {
      await query(
        `DELETE FROM alerts WHERE id IN (
           SELECT id FROM alerts WHERE project = $1 AND ended < $2 ORDER BY id LIMIT $3)`,
        [project, before, limit],
      );
      await query(
        `DELETE FROM outbox WHERE number IN (
           SELECT number FROM outbox WHERE project = $1 AND run IS NULL AND state <> 'waiting'
             AND entered < to_timestamp($2 / 1000.0) ORDER BY number LIMIT $3)`,
        [project, before, limit],
      );
    },
  };
}
