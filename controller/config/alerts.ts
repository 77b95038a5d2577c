import { z } from 'zod';
import { severities } from '../domain/alerts.ts';
import type { Kind } from '../domain/pipeline.ts';
import { refusalOf } from '../lib/errors.ts';
import { checkZone } from '../schedule/zone.ts';

const time = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'must be a time such as 22:00');
const duration = z.string().regex(/^[1-9]\d*(s|m|h)$/, 'must be a duration such as 5m or 4h');

const isZone = (name: string): boolean => refusalOf(() => checkZone(name)) === undefined;

const ofRecipient = {
  severity: z.enum(severities).default('warning').describe('the least urgent alerts that are sent there'),
  pipelines: z.array(z.string().min(1)).optional().describe('names in which * is any text; all, when left out'),
  language: z.enum(['en', 'ru']).optional(),
};
/** Who is told of alerts: the key of a kind of notification, and what of. */
export type AlertRecipient = z.output<z.ZodObject<typeof ofRecipient>> & { readonly [kind: string]: unknown };

/** The section `alerts` of conf/connections.yaml, with these kinds of notification. */
export const alertsSchema = (notifiers: readonly Kind[]) =>
  z.strictObject({
    notify: z
      .array(z.union(notifiers.map(({ kind, spec }) => z.strictObject({ [kind]: spec, ...ofRecipient }))))
      .transform((all) => all as unknown as readonly AlertRecipient[])
      .default([])
      .describe('who is told of alerts, beside those whom pipelines name'),
    every: duration.default('30s').describe('how often it is judged what is wrong'),
    repeat: duration.default('4h').describe('how often people are told again of an alert that lasts'),
    quiet: z
      .strictObject({ from: time, to: time, zone: z.string().refine(isZone, 'must be a zone such as Europe/Moscow') })
      .optional()
      .describe('hours in which people are told of critical alerts only, and of others that last when it has ended'),
    heartbeat: z
      .strictObject({
        hook: z
          .string()
          .refine((text) => /^https?:\/\//.test(text) && URL.canParse(text), 'must be a URL')
          .describe('of a watchdog that raises the alarm when it hears nothing'),
        every: duration.default('5m'),
      })
      .optional(),
  });
export type AlertSettings = z.output<ReturnType<typeof alertsSchema>>;

/** Whether a time (milliseconds since 1970) lies in quiet hours, which may pass midnight. */
export function isQuiet(quiet: AlertSettings['quiet'], at: number): boolean {
  if (!quiet) return false;
  const { from, to, zone } = quiet;
  const options = { timeZone: zone, hour: '2-digit', minute: '2-digit', hourCycle: 'h23' } as const;
  const now = new Intl.DateTimeFormat('en-GB', options).format(at);
  return from <= to ? from <= now && now < to : from <= now || now < to;
}
