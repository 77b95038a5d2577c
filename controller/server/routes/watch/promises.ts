import { z } from 'zod';
import { promiseSchema } from '../../../app/views/promises.ts';
import { type AnyRoute, route } from '../../http/route.ts';
import * as examples from '../examples.ts';
import { partName, sees } from '../shared.ts';

const listPromises = route({
  name: 'listPromises',
  method: 'GET',
  path: '/promises',
  scope: 'read',
  summary: 'What pipelines promise, how it stands, and how often it was kept within 30 days',
  query: z.strictObject({ pipeline: partName.optional() }),
  response: z.object({ items: z.array(promiseSchema).readonly() }),
  example: {
    query: { pipeline: 'customer-report' },
    answer: {
      items: [
        {
          ...{
            pipeline: 'customer-report',
            promise: 'by breakfast',
            says: 'published by 07:00 Europe/Moscow on mon-fri',
          },
          ...{
            state: 'broken',
            why: 'nothing was published by 07:00',
            due: examples.started,
            record: { kept: 20, of: 21, recent: [false, true, true] },
          },
        },
      ],
    },
  },
  async handler({ api, principal, query }) {
    const all = await api.promises();
    const items = all.filter(
      ({ pipeline }) => sees(principal, pipeline) && (query.pipeline === undefined || pipeline === query.pipeline),
    );
    return { body: { items } };
  },
});

/** The promises of pipelines. */
export const promiseRoutes: readonly AnyRoute[] = [listPromises] as never;
export const promiseCalls = { listPromises };
