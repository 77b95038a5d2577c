import { runLine } from '../../../app/views/lists.ts';
import type { RunSummary } from '../../../domain/ports/store.ts';
import { type Html, html } from '../../../lib/html.ts';
import { iso } from '../../../lib/text.ts';
import { pipelineCalls } from '../../routes/pipelines.ts';
import { partName } from '../../routes/shared.ts';
import { promiseCalls } from '../../routes/watch/promises.ts';
import { promisesTable } from '../blocks/promises.ts';
import { answerTo, page } from '../frame/page.ts';
import type { View } from '../frame/view.ts';
import { lineChart } from '../parts/chart.ts';
import { sendButton } from '../parts/forms.ts';
import { facts, table } from '../parts/table.ts';
import { bounded, isolated, pathTo } from '../parts/text.ts';
import { runsTable } from '../run/list.ts';
import { triggersTable } from '../triggers/list.ts';
import { breachesOf, breachesTable } from './breaches.ts';

/** Runs in the charts, and in the list. */
const charted = 60;
const listed = 20;

/** Quality, rows, duration and cost of the runs that have ended, over time. */
async function charts(oldestFirst: readonly RunSummary[], { t }: View): Promise<Html> {
  const words = t.pipelines;
  const over = async (
    id: string,
    name: string,
    figureOf: (run: RunSummary) => number | undefined,
  ): Promise<Html | undefined> => {
    const rows = oldestFirst.flatMap((run): Record<string, string | number>[] => {
      const value = figureOf(run);
      return value === undefined
        ? []
        : [{ time: (iso(run.started) ?? '').slice(5, 16).replace('T', ' '), [name]: value }];
    });
    if (rows.length < 2) return undefined;
    const last = rows.at(-1)?.[name];
    return html`<div class="card"><h3>${name}</h3>${await lineChart(id, `${name}: ${rows.length}, ${last}`, rows, id === 'quality')}</div>`;
  };
  const drawn = await Promise.all([
    over('quality', words.quality, ({ quality }) => quality && Number((quality * 100).toFixed(2))),
    over('rows', words.rows, ({ rows }) => rows),
    over('duration', words.duration, ({ started, ended }) => ended && Number(((ended - started) / 1000).toFixed(1))),
    over('cost', words.cost, ({ coreSeconds }) => coreSeconds && Number((coreSeconds / 3600).toFixed(3))),
  ]);
  const isEmpty = drawn.every((each) => each === undefined);
  return html`<section id="charts"><h2>${words.overTime}</h2>${isEmpty ? html`<p class="faint">${words.tooFew}</p>` : html`<div class="charts">${drawn}</div>`}</section>`;
}

/** How many of the runs took which branch. */
function branches(runs: readonly RunSummary[], { t }: View): Html {
  const counts = new Map<string, number>();
  for (const { branch = '' } of runs) if (branch !== '') counts.set(branch, (counts.get(branch) ?? 0) + 1);
  return table({
    id: 'branches',
    caption: t.pipelines.branches,
    head: [t.run.branch, t.pipelines.runs],
    rows: [...counts].sort(([, a], [, b]) => b - a).map(([name, n]) => [isolated(name, 120), n]),
    numbers: [1],
    empty: t.run.none,
  });
}

export const pipelinePage = page({
  name: 'pipelinePage',
  path: '/pipelines/{pipeline}',
  scope: 'read',
  summary: 'A pipeline: its quality over time, its runs, triggers and file',
  params: { pipeline: partName },
  async content(asked, view) {
    const { t, can } = view;
    const words = t.pipelines;
    const of = await answerTo(pipelineCalls.getPipeline, asked, { params: asked.params });
    const [runs, { items: promises }] = await Promise.all([
      asked.api.store.list({ pipeline: of.pipeline, limit: charted }),
      answerTo(promiseCalls.listPromises, asked, { query: { pipeline: of.pipeline } }),
    ]);
    const path = pathTo('pipelines', of.pipeline);
    const body = html`<h1>${t.run.pipeline} ${isolated(of.pipeline, 130)}</h1>
${of.description !== null && html`<p>${isolated(of.description, 1000)}</p>`}
${
  can('runs:write') &&
  of.version !== '' &&
  html`<section class="row">${sendButton('/runs', words.run, { kind: 'main', fields: { pipeline: of.pipeline } })}${sendButton(`${path}:plan`, words.plan)} <span class="faint">${words.planHelp}</span></section>`
}
<section id="head" data-live><div class="card">${facts([
      [words.file, html`<code>${isolated(of.file, 300)}</code>`],
      [words.version, of.version === '' ? null : html`<code>${of.version}</code>`],
      [words.sources, isolated(of.sources.join(', '), 500)],
      [words.steps, isolated(of.steps.join(', '), 500)],
      [words.text, of.version === '' ? null : html`<a href="/api/v1${path}/file">YAML</a>`],
    ])}${of.problem !== null && html`<div class="notice bad"><p>${words.problem}. ${words.problemNote}</p><pre tabindex="0">${bounded(of.problem.replaceAll('\n', '\u2424'), 4000).replaceAll('\u2424', '\n')}</pre></div>`}</div></section>
${await charts(
  [...runs].reverse().filter(({ ended }) => ended !== undefined),
  view,
)}
${promisesTable(promises, view, true)}
${breachesTable(await breachesOf(asked, of.pipeline), view)}
${branches(runs, view)}
${runsTable('runs', t.nav.runs, runs.slice(0, listed).map(runLine), view)}
${triggersTable(of.triggers, view)}
${table({
  id: 'servers',
  caption: words.servers,
  head: [words.server, words.release, words.version, words.problem],
  rows: of.servers.map(({ controller, release, version, problem }) => [
    isolated(controller, 120),
    isolated(release, 60),
    html`<code>${version}</code>`,
    problem === null ? null : isolated(problem, 300),
  ]),
  empty: words.noServers,
})}`;
    return { title: bounded(of.pipeline, 60), body, stream: '/api/v1/events' };
  },
});
