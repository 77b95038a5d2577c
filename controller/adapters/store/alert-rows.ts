import type { Alert } from '../../domain/alerts.ts';
import { SluiceError } from '../../lib/errors.ts';
import type { Row } from './summary.ts';

/** An alert from its row, of which JSON columns are parsed. */
export const alertOf = (row: Row): Alert => ({
  ...{ id: row.id, seq: row.seq, name: row.name, severity: row.severity, labels: row.labels, facts: row.facts },
  ...{ began: row.began, ended: row.ended ?? undefined, sent: row.sent, acknowledged: row.acknowledged ?? undefined },
});

/** Undoes a transaction of which a change is refused. */
export class Refused extends SluiceError {
  constructor() {
    super('an alert has been changed meanwhile', { kind: 'rejected' });
  }
}

/** Whether a transaction was not refused. */
export const unlessRefused = (transaction: Promise<void>): Promise<boolean> =>
  transaction.then(
    () => true,
    (error: unknown) => {
      if (error instanceof Refused) return false;
      throw error;
    },
  );
