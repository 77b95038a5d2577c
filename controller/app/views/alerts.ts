import { z } from 'zod';
import { type Alert, severities } from '../../domain/alerts.ts';
import { iso } from '../../lib/text.ts';
import { alertText } from '../../messages/alert-notice.ts';
import { time } from './documents.ts';

/** An entry of `sluice alerts --json`. */
export const alertSchema = z
  .object({
    id: z.int().describe('Grows from alert to alert'),
    name: z.string(),
    severity: z.enum(severities),
    labels: z.record(z.string(), z.string()).describe('What it is about: with the name, they identify it'),
    text: z.string().describe('What is wrong, in a sentence'),
    began: time.nullable(),
    ended: time.nullable().describe('null while it lasts'),
    acknowledged: z.object({ by: z.string(), at: time.nullable() }).nullable(),
    sent: z.array(z.string()).readonly().describe('Who was told of it: channel and recipient'),
  })
  .meta({ id: 'Alert' });
export type AlertDocument = z.output<typeof alertSchema>;

export const alertDocument = (alert: Alert): AlertDocument => ({
  ...{ id: alert.id, name: alert.name, severity: alert.severity, labels: alert.labels, text: alertText(alert, 'en') },
  ...{ began: iso(alert.began), ended: iso(alert.ended), sent: Object.keys(alert.sent) },
  acknowledged: alert.acknowledged ? { by: alert.acknowledged.by, at: iso(alert.acknowledged.at) } : null,
});
