import { z } from 'zod';
import {
  calendarSchema,
  explanationSchema,
  firingSchema,
  triggerDetailSchema,
  triggerSchema,
} from '../../app/views/triggers.ts';
import { outcomes } from '../../domain/ports/triggers.ts';
import { cursorOf, numberOf, page, pageOf, pageQuery } from '../http/cursor.ts';
import { Problem } from '../http/problem.ts';
import { type AnyRoute, type Asked, route } from '../http/route.ts';
import * as examples from './examples.ts';
import { partName, seenPipelines, sees } from './shared.ts';

export const triggerParams = z.strictObject({ pipeline: partName, trigger: partName });
type Params = z.output<typeof triggerParams>;
export const triggerPath = '/pipelines/{pipeline}/triggers/{trigger}';
export const exampleTrigger = { pipeline: 'customer-report', trigger: 'nightly' };
export const instant = z.iso.datetime({ offset: true });

/** Throws the same Problem for a pipeline that the principal must not see as for one that does not exist. */
export async function assertTrigger({
  api,
  principal,
  params: { pipeline, trigger },
}: Asked<Params, unknown, unknown>): Promise<void> {
  const all = await api.watched();
  const there = all.some(({ loaded }) => {
    const isNamed = loaded?.pipeline.name === pipeline && sees(principal, pipeline);
    return isNamed && Object.hasOwn(loaded.pipeline.triggers ?? {}, trigger);
  });
  if (!there)
    throw new Problem(404, `there is no trigger ${trigger} of a pipeline ${pipeline}`, {
      hint: 'GET /api/v1/triggers lists them',
    });
}

const listTriggers = route({
  name: 'listTriggers',
  method: 'GET',
  path: '/triggers',
  scope: 'read',
  summary: 'All triggers: what they wait for, their state and their last firing',
  response: z.object({ items: z.array(triggerSchema).readonly() }),
  example: { answer: { items: [examples.trigger] } },
  async handler({ api, principal }) {
    const all = await api.triggers.list();
    return { body: { items: all.filter(({ pipeline }) => sees(principal, pipeline)) } };
  },
});

const getTrigger = route({
  name: 'getTrigger',
  method: 'GET',
  path: triggerPath,
  scope: 'read',
  summary: 'A trigger, with the instants to come and the rows of the ledger in one list, the latest first',
  params: triggerParams,
  query: z.strictObject({
    coming: z.coerce.number().int().min(0).max(200).default(5).describe('How many instants to come'),
    rows: z.coerce.number().int().min(1).max(500).default(20).describe('How many rows of the ledger'),
  }),
  response: triggerDetailSchema,
  errors: [404],
  example: { params: exampleTrigger, answer: { ...examples.trigger, remarks: [], moments: [examples.moment] } },
  async handler(asked) {
    await assertTrigger(asked);
    const { api, query } = asked;
    return { body: await api.triggers.show(asked.params.pipeline, asked.params.trigger, query) };
  },
});

const explainFiring = route({
  name: 'explainFiring',
  method: 'GET',
  path: `${triggerPath}/why`,
  scope: 'read',
  summary: 'Why there was a run at an instant, or why there was none',
  params: triggerParams,
  query: z.strictObject({
    instant: z.string().min(1).max(300).describe('A time with its zone, a wall time of the schedule, or a key'),
  }),
  response: explanationSchema,
  errors: [404, 422],
  example: { params: exampleTrigger, query: { instant: '2026-11-24T06:00' }, answer: examples.explanation },
  async handler(asked) {
    await assertTrigger(asked);
    const { pipeline, trigger } = asked.params;
    return { body: await asked.api.triggers.why(pipeline, trigger, asked.query.instant) };
  },
});

const listFirings = route({
  name: 'listFirings',
  method: 'GET',
  path: '/firings',
  scope: 'read',
  summary: 'The ledger of firings, the newest first',
  query: z.strictObject({
    pipeline: partName.optional(),
    trigger: partName.optional(),
    outcome: z.enum(outcomes).optional(),
    run: partName.optional().describe('Only firings that started or joined this run'),
    ...pageQuery,
  }),
  response: pageOf(firingSchema),
  example: { query: { outcome: 'started', limit: 1 }, answer: { items: [examples.firing], next: null } },
  async handler({ api, principal, query, url }) {
    const { limit, after, ...filter } = query;
    const found = await api.triggers.firings({
      ...filter,
      ...(after !== undefined && { before: numberOf(after) }),
      ...seenPipelines(principal),
      limit: limit + 1,
    } as never);
    const items = found.slice(0, limit);
    const last = items.at(-1);
    return page(url, items, found.length > limit && last ? cursorOf(last.number) : null);
  },
});

const mostDays = 92;
const getCalendar = route({
  name: 'getCalendar',
  method: 'GET',
  path: '/calendar',
  scope: 'read',
  summary:
    'What was and will be of all triggers: rows of the ledger, and instants to come, in the order of their times',
  query: z.strictObject({ from: instant, to: instant.describe(`At most ${mostDays} days later`) }),
  response: calendarSchema,
  errors: [422],
  example: {
    query: { from: '2026-11-24T00:00:00Z', to: '2026-11-25T00:00:00Z' },
    answer: {
      items: [{ pipeline: 'customer-report', trigger: 'nightly', ...examples.moment }],
      isComplete: true,
    },
  },
  async handler({ api, principal, query }) {
    const [from, to] = [Date.parse(query.from), Date.parse(query.to)];
    if (!(from < to && to - from <= mostDays * 86_400_000))
      throw new Problem(422, `to must be after from, and at most ${mostDays} days later`, {
        details: [{ in: 'query', pointer: '/to', message: `is not within ${mostDays} days after from` }],
      });
    return { body: await api.calendar({ from, to, pipelines: principal.pipelines }) };
  },
});

/** For clients. */
export const triggerCalls = {
  listTriggers,
  getTrigger,
  explainFiring,
  listFirings,
  getCalendar,
};
/** Triggers and the ledger of their firings. */
export const triggerRoutes: readonly AnyRoute[] = Object.values(triggerCalls) as never;
