import type { PromiseDocument } from '../../../app/views/promises.ts';
import type { TriggerDocument } from '../../../app/views/triggers.ts';
import { fold, type RunState } from '../../../domain/state.ts';
import { type Html, html } from '../../../lib/html.ts';
import { iso } from '../../../lib/text.ts';
import type { AnyRoute } from '../../http/route.ts';
import { type Asking, sees } from '../../routes/shared.ts';
import { triggerCalls } from '../../routes/triggers.ts';
import { promiseCalls } from '../../routes/watch/promises.ts';
import { promiseLines } from '../blocks/promises.ts';
import { answerTo, page } from '../frame/page.ts';
import type { View } from '../frame/view.ts';
import { marks, sparkline } from '../parts/marks.ts';
import { badge } from '../parts/state.ts';
import { table } from '../parts/table.ts';
import { bounded, isolated, linkTo, pathTo } from '../parts/text.ts';
import { ago, took } from '../parts/time.ts';
import { needsPart, type Row } from './needs.ts';

/** As many runs of each pipeline are shown. */
const shownRuns = 20;
/** The histories of as many runs that go on are read. */
const mostOpen = 20;

async function rowsOf({ api, principal }: Asking): Promise<Row[]> {
  const watched = (await api.watched()).filter(({ name }) => sees(principal, name));
  const names = watched.map(({ name }) => name);
  const newest = await api.store.newest(names, shownRuns);
  return watched.map(({ name, problem }) => ({
    ...{ name, problem },
    runs: newest.filter(({ pipeline }) => pipeline === name),
  }));
}

/** The newest run of a pipeline that goes on. */
const openRun = ({ runs }: Row) => runs.find(({ ended }) => ended === undefined);

/** The states of the runs that go on, by their names. */
async function openStates({ api }: Asking, rows: readonly Row[]): Promise<ReadonlyMap<string, RunState>> {
  const open = rows.flatMap((row) => openRun(row)?.run ?? []).slice(0, mostOpen);
  return new Map(await Promise.all(open.map(async (run) => [run, fold(await api.store.history(run))] as const)));
}

/** How far a run is: the steps that have ended of those that it has, and those that go on. Pure. */
export function progressOf({ plan, steps }: RunState): { done: number; of: number; now: string[] } | undefined {
  if (!plan) return undefined;
  const planned = Object.entries(plan.steps).filter(([name, { role }]) => role === 'run' || steps[name] !== undefined);
  const done = planned.filter(([name]) => steps[name]?.ended !== undefined).length;
  const now = planned.flatMap(([name]) => {
    const step = steps[name];
    return step && !step.ended && step.attempts.length > 0 ? [name] : [];
  });
  return { done, of: planned.length, now };
}

function stateCell(row: Row, states: ReadonlyMap<string, RunState>, { t, now }: View): Html | null {
  const [last] = row.runs;
  if (!last) return null;
  const open = openRun(row);
  const shown = html`<a href="${pathTo('runs', last.run)}">${badge(last.state, t)}</a>`;
  if (!open) return shown;
  const state = states.get(open.run);
  const progress = state && progressOf(state);
  return html`${shown}${
    progress &&
    html`<br><progress max="${Math.max(1, progress.of)}" value="${progress.done}" aria-label="${t.run.steps}"></progress> ${progress.done}/${progress.of} ${isolated(progress.now.join(', '), 60)}`
  }<br><span class="faint">${took(iso(open.started), null, now)}</span>`;
}

/** When a pipeline starts next, or what it waits for. */
function nextCell(own: readonly TriggerDocument[], { t }: View): Html | null {
  const next = own.flatMap((each) => each.next ?? []).sort()[0];
  if (next !== undefined) return ago(next);
  if (own.length === 0) return null;
  if (own.every(({ paused }) => paused !== null)) return badge('paused', t);
  return isolated([...new Set(own.flatMap(({ kind }) => kind ?? []))].join(', '), 60);
}

interface Known {
  readonly triggers: readonly TriggerDocument[];
  readonly promises: readonly PromiseDocument[];
  readonly states: ReadonlyMap<string, RunState>;
}

function pipelineRow(row: Row, { triggers, promises, states }: Known, view: View): (Html | null)[] {
  const { t } = view;
  const { name, runs } = row;
  const published = runs.find(({ state }) => state === 'succeeded' || state === 'degraded');
  const quality = runs.find((run) => run.quality !== undefined)?.quality;
  return [
    linkTo(pathTo('pipelines', name), name),
    runs.length === 0
      ? null
      : marks(
          runs.map(({ state }) => state),
          { t, of: bounded(name, 60), says: t.overview.marks },
        ),
    stateCell(row, states, view),
    ago(iso(published?.ended)),
    promiseLines(
      promises.filter(({ pipeline }) => pipeline === name),
      view,
    ),
    nextCell(
      triggers.filter(({ pipeline, state }) => pipeline === name && state !== 'gone'),
      view,
    ),
    quality === undefined
      ? null
      : html`<span class="state">${quality.toFixed(3)} ${sparkline(
          runs.map((run) => run.quality ?? null),
          `${bounded(name, 60)}. ${t.overview.qualityOverTime}`,
        )}</span>`,
  ];
}

const overview = page({
  name: 'overviewPage',
  path: '/',
  scope: 'read',
  summary: 'What needs a person, and the pipelines',
  async content(asked, view) {
    const { t } = view;
    const [rows, { items: triggers }, { items: promises }] = await Promise.all([
      rowsOf(asked),
      answerTo(triggerCalls.listTriggers, asked, {}),
      answerTo(promiseCalls.listPromises, asked, {}),
    ]);
    const states = await openStates(asked, rows);
    const o = t.overview;
    const body = html`<h1>${o.title}</h1>
${await needsPart(asked, rows, triggers, view)}
${table({
  id: 'pipelines',
  caption: t.nav.pipelines,
  head: [t.run.pipeline, o.lastRuns, t.run.state, o.published, t.alerts.promises, t.triggers.next, t.run.quality],
  rows: rows.map((row) => pipelineRow(row, { triggers, promises, states }, view)),
  empty: o.noPipelines,
  isList: true,
})}`;
    return { title: o.title, body, stream: '/api/v1/events' };
  },
});

/** What is to be done, and how the pipelines are. */
export const overviewRoutes: readonly AnyRoute[] = [overview];
