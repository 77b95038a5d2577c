import type { TriggerDocument } from '../../app/views/triggers.ts';
import type { RunSummary } from '../../domain/ports/store.ts';
import { type Html, html } from '../../lib/html.ts';
import { iso } from '../../lib/text.ts';
import type { AnyRoute } from '../http/route.ts';
import { type Asking, sees } from '../routes/shared.ts';
import { triggerCalls } from '../routes/triggers.ts';
import { alertLine, alertsOf } from './alerts.ts';
import { answerTo, page } from './frame/page.ts';
import type { View } from './frame/view.ts';
import { marks, sparkline } from './parts/marks.ts';
import { badge } from './parts/state.ts';
import { table } from './parts/table.ts';
import { bounded, isolated, linkTo, pathTo } from './parts/text.ts';
import { ago, moment } from './parts/time.ts';

/** As many runs of each pipeline are shown. */
const shownRuns = 20;
/** Alerts about what the page shows in more detail. */
const shownBesides = new Set([
  'RunFailed',
  'PipelineBroken',
  'ScheduleLate',
  'TriggerFailing',
  'TriggerStopped',
  'TriggerHeld',
]);
/** A trigger that owes for longer needs a person: a server looks each second. Milliseconds. */
const longOwedMs = 60_000;

/** A pipeline, with its last runs, the newest first. */
interface Row {
  readonly name: string;
  readonly problem: string | undefined;
  readonly runs: readonly RunSummary[];
}

async function rowsOf({ api, principal }: Asking): Promise<Row[]> {
  const watched = (await api.watched()).filter(({ name }) => sees(principal, name));
  return Promise.all(
    watched.map(async ({ name, problem }) => ({
      ...{ name, problem },
      runs: await api.store.list({ pipeline: name, limit: shownRuns }),
    })),
  );
}

/** The last run of a pipeline that has ended. */
const lastEnded = ({ runs }: Row): RunSummary | undefined => runs.find(({ ended }) => ended !== undefined);

/** What a person has to look at: runs, files, messages and triggers. */
async function needsOf(asking: Asking, rows: readonly Row[], triggers: readonly TriggerDocument[], view: View) {
  const { t, now } = view;
  const { api } = asking;
  const alerts = (await alertsOf(asking, true)).filter(({ name }) => !shownBesides.has(name));
  const failed = rows.flatMap((row): Html[] => {
    const run = lastEnded(row);
    if (run?.state !== 'failed') return [];
    return [
      html`${badge('failed', t)} ${pipelineLink(row.name)}: ${linkTo(pathTo('runs', run.run), t.overview.failedRun)}, ${ago(iso(run.ended))}: ${bounded(run.reason ?? '', 300)}`,
    ];
  });
  const broken = rows.flatMap(({ name, problem }): Html[] =>
    problem === undefined
      ? []
      : [
          html`${badge('failing', t)} ${pipelineLink(name)}: ${t.overview.brokenFile}: ${bounded(problem.replaceAll('\n', '; '), 400)}`,
        ],
  );
  const messages = await Promise.all(
    rows.map(async (row): Promise<Html[]> => {
      const run = lastEnded(row)?.run;
      const sent = run === undefined ? [] : await api.store.messages(run);
      return sent
        .filter(({ state }) => state === 'refused')
        .map(
          ({ channel, to, note = '' }) =>
            html`${badge('refused', t)} ${linkTo(pathTo('runs', run ?? ''), row.name)}: ${t.overview.refusedMessage}: ${channel} ${bounded(to, 80)}. ${bounded(note, 200)}`,
        );
    }),
  );
  const stuck = triggers.flatMap((trigger): Html[] => {
    const owes = trigger.owedSince !== null && now - Date.parse(trigger.owedSince) > longOwedMs;
    const isWell = trigger.state === 'active' || trigger.state === 'gone';
    if (isWell && !owes) return [];
    return [triggerLine(trigger, owes, view)];
  });
  return [...failed, ...alerts.map((each) => alertLine(each, view)), ...broken, ...stuck, ...messages.flat()];
}

function triggerLine(
  { pipeline, trigger, state, problem, paused, owed, owedSince }: TriggerDocument,
  owes: boolean,
  { t }: View,
): Html {
  const path = pathTo('pipelines', pipeline, 'triggers', trigger);
  return html`${badge(owes && state === 'active' ? 'owed' : state, t)} ${linkTo(path, `${pipeline} ${trigger}`)}${
    paused &&
    html` ${t.triggers.pausedBy} ${isolated(paused.by, 60)}, ${ago(paused.since)}${paused.reason !== null && html`: ${bounded(paused.reason, 200)}`}`
  }${owes && html` ${t.overview.owes(owed)}, ${t.overview.since} ${moment(owedSince)}`}${problem !== null && html`: ${bounded(problem, 300)}`}`;
}

const pipelineLink = (name: string): Html => linkTo(pathTo('pipelines', name), name);

function pipelineRow({ name, runs }: Row, triggers: readonly TriggerDocument[], { t }: View) {
  const [last] = runs;
  const published = runs.find(({ state }) => state === 'succeeded' || state === 'degraded');
  const next = triggers
    .filter(({ pipeline }) => pipeline === name)
    .flatMap((each) => each.next ?? [])
    .sort()[0];
  const quality = runs.find((run) => run.quality !== undefined)?.quality;
  return [
    pipelineLink(name),
    runs.length > 0 &&
      marks(
        runs.map(({ state }) => state),
        { t, of: bounded(name, 60) },
      ),
    last && html`<a href="${pathTo('runs', last.run)}">${badge(last.state, t)}</a>`,
    ago(iso(published?.ended)),
    moment(next),
    quality === undefined
      ? null
      : html`${quality.toFixed(3)} ${sparkline(
          runs.map((run) => run.quality ?? null),
          t.overview.qualityOverTime,
        )}`,
  ].map((cell) => (cell === false ? null : cell));
}

const overview = page({
  name: 'overviewPage',
  path: '/',
  scope: 'read',
  summary: 'What needs a person, and the pipelines',
  async content(asked, view) {
    const { t } = view;
    const [rows, { items: triggers }] = await Promise.all([
      rowsOf(asked),
      answerTo(triggerCalls.listTriggers, asked, {}),
    ]);
    const needs = await needsOf(asked, rows, triggers, view);
    const o = t.overview;
    const body = html`<h1>${o.title}</h1>
<section id="needs" data-live aria-labelledby="needs-title" data-says="${o.needs}: ${needs.length}"><h2 id="needs-title">${o.needs}</h2>
${needs.length === 0 ? html`<p class="notice"><span class="good" aria-hidden="true">✓</span> ${o.nothing}</p>` : html`<ul class="needs">${needs.map((each) => html`<li class="notice bad">${each}</li>`)}</ul>`}</section>
${table({
  id: 'pipelines',
  caption: t.nav.pipelines,
  head: [t.run.pipeline, o.lastRuns, t.run.state, o.published, t.triggers.next, t.run.quality],
  rows: rows.map((row) => pipelineRow(row, triggers, view)),
  empty: o.noPipelines,
  isList: true,
})}`;
    return { title: o.title, body, stream: '/api/v1/events' };
  },
});

/** What is to be done, and how the pipelines are. */
export const overviewRoutes: readonly AnyRoute[] = [overview];
