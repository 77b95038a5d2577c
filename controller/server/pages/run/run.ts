import { runDocument } from '../../../app/views/run.ts';
import { timelineOf } from '../../../app/views/timeline.ts';
import { type Html, html } from '../../../lib/html.ts';
import type { AnyRoute } from '../../http/route.ts';
import { type Asking, type FoundRun, readRun, runName, shownCause } from '../../routes/shared.ts';
import { page } from '../frame/page.ts';
import type { View } from '../frame/view.ts';
import { badge, isTelling } from '../parts/state.ts';
import { facts } from '../parts/table.ts';
import { bounded, isolated, linkTo, pathTo } from '../parts/text.ts';
import { moment, took } from '../parts/time.ts';
import { runActions } from './actions.ts';
import { compareForm, comparePage, diffPage } from './diff.ts';
import { actionForms } from './forms.ts';
import { attemptLog } from './log.ts';
import { checksTable, eventsPart, messagesTable, outputsTable, planPart, sourcesTable } from './parts.ts';
import { stepsPart } from './steps.ts';
import { timelinePart } from './timeline.ts';
import { causePart, choicePart } from './why.ts';

type Document = Awaited<ReturnType<typeof runDocument>>;

function head(
  { run, pipeline, state, started, ended, branch, quality, reason, report }: Document,
  rows: number | undefined,
  { t, now }: View,
): Html {
  const url = report?.url;
  const isLink = url !== undefined && /^https?:/.test(url);
  return html`<section id="head" data-live data-says="${t.states[state]}">
${facts([
  [t.run.state, badge(state, t)],
  [t.run.pipeline, linkTo(pathTo('pipelines', pipeline), pipeline)],
  [t.run.started, moment(started)],
  [t.run.ended, moment(ended)],
  [t.run.took, took(started, ended, now)],
  [t.run.branch, branch === null ? null : isolated(branch, 80)],
  [t.run.quality, quality?.toFixed(4)],
  [t.run.rows, rows],
])}
${reason !== null && isTelling(state) && html`<p class="notice${state === 'failed' ? ' bad' : ' warn'}">${isolated(reason, 1000)}</p>`}
<p class="row">${url !== undefined && (isLink ? html`<a href="${url}" rel="noreferrer">${t.run.report}</a>` : html`<span>${t.run.report}: ${isolated(url, 300)}</span>`)}
<a href="${pathTo('runs', run, 'diff')}">${t.diff.link}</a> <a href="/api/v1/runs/${encodeURIComponent(run)}">${t.run.json}</a></p></section>`;
}

/** What compares a run with another one; nothing for the first of its pipeline. */
async function comparePart(asked: Asking, found: FoundRun, view: View): Promise<Html | undefined> {
  const form = await compareForm(asked, found, view);
  return form && html`<section id="compare"><h2>${view.t.diff.title}</h2><div class="card">${form}</div></section>`;
}

const runPage = page({
  name: 'runPage',
  path: '/runs/{run}',
  scope: 'read',
  summary: 'A run: why it ran, what it did, and how it is',
  params: { run: runName },
  async content(asked, view) {
    const { t } = view;
    const found = await readRun(asked, asked.params.run);
    const { run, summary, state, history, seq } = found;
    const document = await runDocument(asked.api.store, summary, state);
    const cause = state.cause && shownCause(asked.principal, state.cause);
    const body = html`<h1>${t.run.title} ${isolated(run, 130)}</h1>
${actionForms(document, state, view)}
${head(document, summary.rows, view)}
${causePart(cause, state, view)}
${choicePart(document, state, view)}
${timelinePart(timelineOf(history), view)}
${stepsPart(document, state, view)}
${checksTable(document, view)}
${sourcesTable(document, state, view)}
${outputsTable(document, view)}
${messagesTable(document.messages, view)}
${planPart(state, view)}
${eventsPart(asked.principal, history, view)}
${await comparePart(asked, found, view)}`;
    const isOver = state.ended !== undefined;
    const stream = `/api/v1/runs/${encodeURIComponent(run)}/events?after=${seq}`;
    return { title: `${bounded(run, 60)} ${t.states[document.state]}`, body, ...(!isOver && { stream }) };
  },
});

/** A run, and what is done with it. */
export const runRoutes: readonly AnyRoute[] = [runPage, attemptLog, comparePage, diffPage, ...runActions];
