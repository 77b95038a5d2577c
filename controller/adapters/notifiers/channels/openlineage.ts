import { z } from 'zod';
import type { TelemetryDriver } from '../../drivers.ts';
import { basic, recipientIn, url, within } from './connection.ts';

const spec = z
  .strictObject({
    url: url.describe('of a receiver of OpenLineage; events go to its /api/v1/lineage'),
    token: z.string().min(1).optional().describe('sent as a bearer token'),
    user: z.string().optional(),
    password: z.string().optional(),
  })
  .refine(({ token, user }) => token === undefined || user === undefined, 'has either a token, or a user');

/** Receivers of OpenLineage, such as Marquez, DataHub or OpenMetadata. */
export const openLineageReceivers: TelemetryDriver = {
  kind: 'openlineage',
  connection: { section: 'openlineage', at: [], spec },
  takes: 'lineage',
  async open({ project }) {
    const { postingNotifier } = await import('./post.ts');
    return postingNotifier('openlineage', ({ to, body }) => {
      const { url: address, token, user, password } = recipientIn<typeof spec>(project, 'openlineage', to);
      const authorization = token === undefined ? basic(user, password) : `Bearer ${token}`;
      return {
        ...{ url: within(address, 'api/v1/lineage'), body: JSON.stringify(body) },
        ...(authorization !== undefined && { headers: { authorization } }),
        secrets: [token, password].filter((each) => each !== undefined),
      };
    });
  },
};
