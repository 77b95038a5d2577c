import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import type { RunLine } from '../../../app/views/documents.ts';
import { runStates } from '../../../domain/lifecycle.ts';
import { type Html, html } from '../../../lib/html.ts';
import { fingerprintOf } from '../../http/idempotency.ts';
import type { AnyRoute } from '../../http/route.ts';
import { runFilters } from '../../routes/run-filters.ts';
import { runCalls } from '../../routes/runs.ts';
import { type Asking, partName, sees } from '../../routes/shared.ts';
import { startCalls } from '../../routes/starts.ts';
import { pager } from '../blocks/pager.ts';
import { action, answerTo, noticed, page } from '../frame/page.ts';
import type { View } from '../frame/view.ts';
import { field, select } from '../parts/forms.ts';
import { badge, isTelling } from '../parts/state.ts';
import { table } from '../parts/table.ts';
import { bounded, isolated, linkTo, pathTo } from '../parts/text.ts';
import { moment, took } from '../parts/time.ts';
import { startsPart } from './starts.ts';

/** How far back, by name. Hours. */
const spans = { '24h': 24, '7d': 7 * 24, '30d': 30 * 24 } as const;
type Span = keyof typeof spans;
const spanNames = Object.keys(spans) as [Span, ...Span[]];

const query = { ...runFilters, within: z.enum(spanNames).optional().describe('How far back') };
type Query = z.output<z.ZodObject<typeof query>>;

const pipelineNames = async ({ api, principal }: Asking): Promise<string[]> =>
  (await api.pipelines()).map(({ pipeline }) => pipeline.name).filter((name) => sees(principal, name));

function filters(given: Query, pipelines: readonly string[], { t }: View): Html {
  const { pipeline, state = [], branch, trigger, within, q } = given;
  const choices = pipelines.map((name) => ({ value: name, text: bounded(name, 60) }));
  const times = spanNames.map((name) => ({
    value: name,
    text: spans[name] > 24 ? t.run.days(spans[name] / 24) : t.run.hours(spans[name]),
  }));
  return html`<form class="card filters" action="/runs">
${select('pipeline', t.run.pipeline, pipeline, choices)}${field('branch', t.run.branch, branch)}${field('trigger', t.run.trigger, trigger)}
${select('within', t.run.within, within, times)}${field('q', t.run.run, q)}
<fieldset><legend>${t.run.state}</legend>${runStates.map(
    (each) =>
      html`<label class="check"><input type="checkbox" name="state" value="${each}"${state.includes(each) && html` checked`}>${badge(each, t)}</label>`,
  )}</fieldset>
<button class="main">${t.run.filter}</button> <a href="/runs">${t.run.clear}</a></form>`;
}

/** A row of a list of runs. */
const runRow = ({ run, pipeline, state, trigger, branch, started, ended, rows, reason }: RunLine, { t, now }: View) => [
  linkTo(pathTo('runs', run), run),
  linkTo(pathTo('pipelines', pipeline), pipeline, 60),
  badge(state, t),
  moment(started),
  took(started, ended, now),
  trigger === null ? null : linkTo(pathTo('pipelines', pipeline, 'triggers', trigger), trigger, 60),
  branch === null ? null : isolated(branch, 60),
  rows,
  reason === null || !isTelling(state) ? null : isolated(reason, 160),
];

/** A list of runs as a table. */
export const runsTable = (id: string, caption: string, items: readonly RunLine[], view: View): Html => {
  const { run } = view.t;
  return table({
    id,
    caption,
    head: [run.run, run.pipeline, run.state, run.started, run.took, run.trigger, run.branch, run.rows, run.reason],
    rows: items.map((each) => runRow(each, view)),
    numbers: [7],
    empty: run.none,
    isList: true,
  });
};

/** The form that starts a run; sent twice, it starts one. */
const startForm = (pipelines: readonly string[], { t }: View): Html =>
  html`<details><summary>${t.run.start}</summary><form class="card filters" method="post" action="/runs">
<input type="hidden" name="once" value="${randomBytes(9).toString('base64url')}">
<div><label for="start-pipeline">${t.run.pipeline}</label><select id="start-pipeline" name="pipeline" required>${pipelines.map(
    (name) => html`<option value="${name}">${bounded(name, 60)}</option>`,
  )}</select></div>
<label class="check"><input type="checkbox" name="fullRefresh" value="yes">${t.run.fullRefresh}</label>
<button class="main">${t.run.start}</button></form></details>`;

/** The filter of a list without its place and its times. */
const startsFilter = ({ pipeline, state, trigger, branch, q }: Omit<Query, 'within'>) => ({
  ...(pipeline !== undefined && { pipeline }),
  ...(state && { states: state }),
  ...(trigger !== undefined && { trigger }),
  ...(branch !== undefined && { branch }),
  ...(q !== undefined && { prefix: q }),
});

const runsPage = page({
  name: 'runsPage',
  path: '/runs',
  scope: 'read',
  summary: 'Runs by filters, the newest first',
  query,
  async content(asked, view) {
    const { t, now } = view;
    const { within, ...given } = asked.query;
    // To the minute, so that a page read again is the same one.
    const since = within && new Date(Math.floor(now / 60_000) * 60_000 - spans[within] * 3_600_000).toISOString();
    const { items, next } = await answerTo(runCalls.listRuns, asked, {
      query: { ...given, ...(since !== undefined && { since }) },
    });
    const pipelines = await pipelineNames(asked);
    // A list of another time has no chart of the last hours.
    const isNewest = [given.after, given.since, given.until, given.before].every((each) => each === undefined);
    const body = html`<h1>${t.nav.runs}</h1>${filters(asked.query, pipelines, view)}
${view.can('runs:write') && pipelines.length > 0 && startForm(pipelines, view)}
${isNewest && (await startsPart(asked, startsFilter(given), spans[within ?? '24h'], view))}
${runsTable('runs', t.nav.runs, items, view)}
${pager('/runs', asked.url.searchParams, { isFirst: asked.query.after === undefined, next }, view)}`;
    return { title: t.nav.runs, body, ...(asked.query.after === undefined && { stream: '/api/v1/events' }) };
  },
});

const startRun = action({
  name: 'startRunForm',
  path: '/runs',
  scope: 'runs:write',
  summary: 'Starts a run',
  form: { pipeline: partName, fullRefresh: z.literal('yes').optional(), once: z.string().max(20).optional() },
  async perform(asked) {
    const { pipeline, fullRefresh, once } = asked.form;
    const key = once && `page-${once}-${fingerprintOf('startRunForm', { pipeline, fullRefresh })}`;
    const { run } = await answerTo(startCalls.startRun, asked, {
      body: { pipeline, ...(fullRefresh && { fullRefresh: true }) },
      ...(key !== undefined && { headers: { 'idempotency-key': `"${key}"` } }),
    });
    return noticed(pathTo('runs', run), 'started');
  },
});

/** Lists of runs. */
export const runsRoutes: readonly AnyRoute[] = [runsPage, startRun];
