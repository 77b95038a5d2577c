import { z } from 'zod';
import { asText, bounded } from '../../../messages/notice.ts';
import type { NotifierDriver } from '../../drivers.ts';
import { recipientIn, recipientsIn, url } from './connection.ts';
import { incidentKey } from './incident.ts';

const spec = z.strictObject({
  routingKey: z.string().min(1).describe('the integration key of a service (Events API v2)'),
  api: url.default('https://events.pagerduty.com').describe('of another region'),
});

/** The limits of PagerDuty. Characters. */
const limits = { summary: 1024, details: 20_000 };

/** A service of PagerDuty. An alert is one incident there, and its end resolves it. */
export const pagerDutyNotifications: NotifierDriver = {
  ...recipientsIn('pagerduty', spec),
  isIncident: true,
  render: ({ title, severity, at, project, pipeline, incident, blocks, key, event }) => ({
    body: {
      event_action: incident?.isOver ? 'resolve' : 'trigger',
      dedup_key: incidentKey(project, incident ?? { name: event, labels: { key } }),
      payload: {
        ...{ summary: bounded(title, limits.summary), source: `sluice/${project}`, severity },
        ...{ timestamp: new Date(at).toISOString(), component: pipeline ?? project },
        ...(incident && { class: incident.name }),
        custom_details: { text: bounded(blocks.map(asText).join('\n\n'), limits.details) },
      },
    },
  }),
  async open({ project }) {
    const { postingNotifier } = await import('./post.ts');
    return postingNotifier('pagerduty', ({ to, body }) => {
      const { routingKey, api } = recipientIn<typeof spec>(project, 'pagerduty', to);
      const event = { routing_key: routingKey, ...(body as object) };
      return { url: `${api}/v2/enqueue`, body: JSON.stringify(event), secrets: [routingKey] };
    });
  },
};
