import { z } from 'zod';
import type { NotifierDriver } from '../../drivers.ts';
import { basic, recipientIn, recipientsIn, url, within } from './connection.ts';

const spec = z.strictObject({
  url: url.describe('of an Alertmanager, such as http://alertmanager:9093'),
  user: z.string().optional(),
  password: z.string().optional(),
});

/** It forgets an alert after so long, unless it is told again. Milliseconds. */
const repeatMs = 300_000;
const endsAfterMs = 3 * repeatMs;

/** An Alertmanager of Prometheus, which groups, silences and routes by itself. */
export const alertmanagerNotifications: NotifierDriver = {
  ...recipientsIn('alertmanager', spec),
  repeatMs,
  render: ({ title, severity, at, project, pipeline, incident, event }) => ({
    body: [
      {
        labels: {
          alertname: `Sluice${incident?.name ?? event}`,
          ...{ project, ...(pipeline !== undefined && { pipeline }), ...incident?.labels },
          severity: incident?.severity ?? severity,
        },
        annotations: { summary: title },
        startsAt: new Date(incident?.began ?? at).toISOString(),
        endsAt: new Date(at + (incident?.isOver ? 0 : endsAfterMs)).toISOString(),
      },
    ],
  }),
  async open({ project }) {
    const { postingNotifier } = await import('./post.ts');
    return postingNotifier('alertmanager', ({ to, body }) => {
      const { url: address, user, password } = recipientIn<typeof spec>(project, 'alertmanager', to);
      const authorization = basic(user, password);
      return {
        ...{ url: within(address, 'api/v2/alerts'), body: JSON.stringify(body) },
        ...(authorization !== undefined && { headers: { authorization } }),
        secrets: password === undefined ? [] : [password],
      };
    });
  },
};
