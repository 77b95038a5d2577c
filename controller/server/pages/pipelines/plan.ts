import { z } from 'zod';
import type { Plan } from '../../../domain/plan.ts';
import { type Html, html } from '../../../lib/html.ts';
import type { AnyRoute } from '../../http/route.ts';
import { planCalls } from '../../routes/plans.ts';
import { partName } from '../../routes/shared.ts';
import { action, answerTo, page } from '../frame/page.ts';
import type { View } from '../frame/view.ts';
import { badge } from '../parts/state.ts';
import { facts, table } from '../parts/table.ts';
import { isolated, linkTo, pathTo } from '../parts/text.ts';
import { moment } from '../parts/time.ts';
import { checksTable, planPart } from '../run/parts.ts';
import { pipelinesPage } from './list.ts';
import { pipelinePage } from './pipeline.ts';

/** A made plan. */
type Made = Plan & { readonly sources: Readonly<Record<string, { readonly measures: { readonly rows: number } }>> };

const planForm = action({
  name: 'planForm',
  path: '/pipelines/{pipeline}:plan',
  scope: 'runs:write',
  summary: 'Measures and plans; submits nothing',
  params: { pipeline: partName },
  async perform(asked) {
    const { plan } = await answerTo(planCalls.createPlan, asked, {
      ...{ params: asked.params, body: {} },
      headers: { prefer: 'wait=5' },
    });
    return pathTo('plans', plan);
  },
});

const planPage = page({
  name: 'planPage',
  path: '/plans/{plan}',
  scope: 'read',
  summary: 'What a run would do now',
  params: { plan: z.string().regex(/^[0-9a-f]{16}$/) },
  async content(asked, view) {
    const { t } = view;
    const made = await answerTo(planCalls.getPreview, asked, { params: asked.params });
    const { pipeline, created, state, problem } = made;
    const document = made.document as Made | null;
    const { choice, reason, verdict, quality, verdicts } = document ?? {};
    const body = html`<h1>${t.plan.title} ${isolated(pipeline, 120)}</h1>
<section id="plan-head" data-live data-says="${t.states[state]}"${state === 'measuring' && html` data-poll`}><div class="card">${facts(
      [
        [t.run.state, badge(state, t)],
        [t.run.pipeline, linkTo(pathTo('pipelines', pipeline), pipeline)],
        [t.run.started, moment(created)],
        [t.plan.verdict, verdict && t.plan.verdicts[verdict]],
        ...(reason === choice?.reason ? [] : [[t.run.outcome, reason && isolated(reason, 500)] as const]),
        [t.run.branch, choice?.branch && isolated(choice.branch, 80)],
        [t.run.reason, choice && isolated(choice.reason, 500)],
        [t.run.quality, quality?.toFixed(4)],
      ],
    )}${state === 'measuring' && html`<p>${t.plan.measuring} <a href="${pathTo('plans', made.plan)}">${t.plan.reload}</a></p>`}${problem !== null && html`<p class="notice bad">${t.plan.failed}: ${isolated(problem, 1000)}</p>`}</div></section>
<div id="plan-body" data-live>${document && html`${checksTable({ checks: verdicts ?? [] }, view)}${planPart({ plan: document }, view)}${sourcesTable(document.sources, view)}`}</div>`;
    return { title: t.plan.title, body };
  },
});

const sourcesTable = (all: Made['sources'], { t }: View): Html =>
  table({
    id: 'sources',
    caption: t.run.sources,
    head: [t.run.source, t.run.read],
    rows: Object.entries(all).map(([name, { measures }]) => [isolated(name, 120), measures.rows]),
    numbers: [1],
    empty: t.run.noSources,
  });

/** Pipelines, and what is done with them. */
export const pipelinePages: readonly AnyRoute[] = [pipelinesPage, pipelinePage, planForm, planPage];
