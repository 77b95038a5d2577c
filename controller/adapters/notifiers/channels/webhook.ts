import { createHmac } from 'node:crypto';
import { z } from 'zod';
import type { NotifierDriver } from '../../drivers.ts';
import { recipientIn, recipientsIn, secretsIn, url } from './connection.ts';

const spec = z.strictObject({
  url: url.describe('where events are posted as JSON'),
  secret: z.string().min(1).optional().describe('signs them: whsec_ and base64, or any text'),
});

/** Any program, by Standard Webhooks 1.0.0 with a CloudEvent 1.0 as the body. */
export const webhookNotifications: NotifierDriver = {
  ...recipientsIn('webhook', spec),
  render: ({ key, event, severity, at, project, pipeline, run, title, incident, data }) => ({
    body: {
      ...{ specversion: '1.0', type: `dev.sluice.${run === undefined ? event : `run.${event}`}` },
      source: `/projects/${project}${pipeline === undefined ? '' : `/pipelines/${pipeline}`}`,
      ...(run !== undefined && { subject: run }),
      ...{ time: new Date(at).toISOString(), datacontenttype: 'application/json' },
      data: { title, severity, ...(incident && { alert: incident.name, isOver: incident.isOver }), key, ...data },
    },
  }),
  async open({ project }) {
    const { postingNotifier } = await import('./post.ts');
    return postingNotifier('webhook', ({ id, to, body: event }) => {
      const { url: address, secret } = recipientIn<typeof spec>(project, 'webhook', to);
      const body = JSON.stringify({ id, ...(event as object) });
      const time = String(Math.floor(Date.now() / 1000));
      const signed = { 'webhook-id': id, 'webhook-timestamp': time };
      return {
        ...{ url: address, body, secrets: [...secretsIn(address), ...(secret === undefined ? [] : [secret])] },
        headers: {
          'content-type': 'application/cloudevents+json',
          ...signed,
          ...(secret !== undefined && { 'webhook-signature': `v1,${signature(secret, `${id}.${time}.${body}`)}` }),
        },
      };
    });
  },
};

function signature(secret: string, text: string): string {
  const key = secret.startsWith('whsec_') ? Buffer.from(secret.slice(6), 'base64') : Buffer.from(secret);
  return createHmac('sha256', key).update(text).digest('base64');
}
