import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { planDocumentSchema, time } from '../../app/views/documents.ts';
import { iso } from '../../lib/text.ts';
import { waitPreferred } from '../http/conditions.ts';
import { Problem, problemOf } from '../http/problem.ts';
import { type AnyRoute, base, route } from '../http/route.ts';
import * as examples from './examples.ts';
import { findPipeline, partName, sees, shownRows } from './shared.ts';

const previewSchema = z
  .object({
    plan: z.string(),
    pipeline: z.string(),
    created: time,
    state: z.enum(['measuring', 'ready', 'failed']),
    document: planDocumentSchema.nullable(),
    problem: z.string().nullable(),
  })
  .meta({ id: 'Preview' });

interface Preview {
  readonly pipeline: string;
  readonly created: number;
  document?: z.input<typeof planDocumentSchema>;
  problem?: string;
}

/** Plans are kept by the server that made them: as many, and for as long. */
const mostKept = 100;
const keptMs = 3_600_000;
/** Measuring reads whole sources, so few plans are made at a time. */
const mostAtOnce = 2;
const previews = new Map<string, Preview>();
const isOpen = ({ document, problem }: Preview): boolean => document === undefined && problem === undefined;

function forgetOld(now: number): void {
  for (const [id, each] of previews)
    if (!isOpen(each) && (now - each.created > keptMs || previews.size > mostKept)) previews.delete(id);
}

const createPlan = route({
  name: 'createPlan',
  method: 'POST',
  path: '/pipelines/{pipeline}/plan',
  scope: 'runs:write',
  summary: 'Measures the sources and plans as a run would, and submits nothing',
  params: z.strictObject({ pipeline: partName }),
  body: z.strictObject({ fullRefresh: z.boolean().optional() }),
  headers: { Prefer: 'wait=SECONDS: answer when the plan is made, or after at most 25 s' },
  status: 202,
  response: previewSchema,
  errors: [404],
  example: {
    params: { pipeline: 'customer-report' },
    body: {},
    answer: {
      plan: 'fd1a2b3c4d5e6f70',
      pipeline: 'customer-report',
      created: examples.started,
      state: 'measuring',
      document: null,
      problem: null,
    },
  },
  async handler(asked) {
    const { api, headers, signal, principal } = asked;
    const loaded = await findPipeline(asked, asked.params.pipeline);
    forgetOld(api.now());
    if ([...previews.values()].filter(isOpen).length >= mostAtOnce)
      throw new Problem(503, `${mostAtOnce} plans are being made`, { headers: { 'retry-after': '10' } });
    const plan = randomBytes(8).toString('hex');
    const preview: Preview = { pipeline: loaded.pipeline.name, created: api.now() };
    previews.set(`${api.project}/${plan}`, preview);
    void api.plan(loaded, asked.body.fullRefresh === true).then(
      (document) => Object.assign(preview, { document }),
      (error: unknown) => Object.assign(preview, { problem: problemOf(error).message }),
    );
    const applied = await waitPreferred(headers, signal, async () => !isOpen(preview));
    return { body: shown(plan, preview, principal), headers: { location: `${base}/plans/${plan}`, ...applied } };
  },
});

function shown(
  plan: string,
  { pipeline, created, document, problem }: Preview,
  principal: Parameters<typeof shownRows>[0],
) {
  const state: 'measuring' | 'ready' | 'failed' = document ? 'ready' : problem === undefined ? 'measuring' : 'failed';
  const bare = document && {
    ...document,
    sources: shownRows(principal, document.sources as never),
    findings: shownRows(principal, document.findings as never),
  };
  return { plan, pipeline, created: iso(created) as string, state, document: bare ?? null, problem: problem ?? null };
}

const getPreview = route({
  name: 'getPreview',
  method: 'GET',
  path: '/plans/{plan}',
  scope: 'read',
  summary: 'A plan that POST /pipelines/{pipeline}/plan makes; kept for an hour by the server that was asked',
  params: z.strictObject({ plan: z.string().regex(/^[0-9a-f]{16}$/) }),
  headers: { Prefer: 'wait=SECONDS: answer when the plan is made, or after at most 25 s' },
  response: previewSchema,
  errors: [404],
  example: {
    params: { plan: 'fd1a2b3c4d5e6f70' },
    answer: {
      plan: 'fd1a2b3c4d5e6f70',
      pipeline: 'customer-report',
      created: examples.started,
      state: 'failed',
      document: null,
      problem: 'database shop cannot be reached',
    },
  },
  async handler({ api, params, principal, headers, signal }) {
    const found = previews.get(`${api.project}/${params.plan}`);
    if (!found || !sees(principal, found.pipeline)) throw new Problem(404, `there is no plan ${params.plan}`);
    const applied = await waitPreferred(headers, signal, async () => !isOpen(found));
    return { body: shown(params.plan, found, principal), headers: applied };
  },
});

/** For clients. */
export const planCalls = { createPlan, getPreview };
/** Plans that nothing executes. */
export const planRoutes: readonly AnyRoute[] = [createPlan, getPreview];
