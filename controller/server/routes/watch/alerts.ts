import { z } from 'zod';
import { alertDocument, alertSchema } from '../../../app/views/alerts.ts';
import { cursorOf, numberOf, page, pageOf, pageQuery } from '../../http/cursor.ts';
import { Problem } from '../../http/problem.ts';
import { type AnyRoute, route } from '../../http/route.ts';
import * as examples from '../examples.ts';
import { sees } from '../shared.ts';

const example = {
  ...{ id: 7, name: 'RunFailed', severity: 'error' as const, labels: { pipeline: 'customer-report' } },
  ...{ text: 'customer-report: the last run failed', began: examples.started, ended: null, acknowledged: null },
  sent: ['email marketing@example.org'],
};

const listAlerts = route({
  name: 'listAlerts',
  method: 'GET',
  path: '/alerts',
  scope: 'read',
  summary:
    'What needs a person, and what has; the newest first. Those of the project are shown to tokens of all pipelines',
  query: z.strictObject({
    state: z.enum(['open', 'ended']).optional().describe('Only those that last, or only those that have ended'),
    ...pageQuery,
  }),
  response: pageOf(alertSchema),
  example: { query: { state: 'open', limit: 1 }, answer: { items: [example], next: null } },
  async handler({ api, principal, query: { state, limit, after }, url }) {
    const found = await api.store.alerts({
      ...(state && { isOpen: state === 'open' }),
      ...(after !== undefined && { before: numberOf(after) }),
      limit: limit + 1,
    });
    const last = found.length > limit ? found[limit - 1] : undefined;
    const seen = found.slice(0, limit).filter(({ labels }) => sees(principal, labels.pipeline ?? ''));
    return page(url, seen.map(alertDocument), last ? cursorOf(last.id) : null);
  },
});

const acknowledgeAlert = route({
  name: 'acknowledgeAlert',
  method: 'POST',
  path: '/alerts/{id}:acknowledge',
  scope: 'triggers:write',
  summary: 'Ends the repetitions of an alert that lasts: a person knows of it',
  params: z.strictObject({ id: z.coerce.number().int().min(1).max(Number.MAX_SAFE_INTEGER) }),
  response: alertSchema,
  errors: [404, 409],
  example: {
    params: { id: 7 },
    answer: { ...example, acknowledged: { by: 'anna', at: examples.started } },
  },
  async handler({ api, principal, params: { id } }) {
    const find = async () => (await api.store.alerts({ before: id + 1, limit: 1 })).find((each) => each.id === id);
    const before = await find();
    if (!before || !sees(principal, before.labels.pipeline ?? '')) throw new Problem(404, `there is no alert ${id}`);
    if (!(await api.store.acknowledgeAlert(id, principal.name, api.now())) && !(await find())?.acknowledged)
      throw new Problem(409, `alert ${id} has ended`);
    return { body: alertDocument((await find()) ?? before) };
  },
});

/** The alerts of the project. */
export const alertRoutes: readonly AnyRoute[] = [listAlerts, acknowledgeAlert] as never;
export const alertCalls = { listAlerts, acknowledgeAlert };
