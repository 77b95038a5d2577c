import { z } from 'zod';
import { type Html, html } from '../../lib/html.ts';
import type { AnyRoute } from '../http/route.ts';
import { quarantineCalls } from '../routes/quarantine.ts';
import { partName, readRun, runName } from '../routes/shared.ts';
import { startCalls } from '../routes/starts.ts';
import { action, answerTo, noticed, page } from './frame/page.ts';
import type { View } from './frame/view.ts';
import { select } from './parts/forms.ts';
import { table } from './parts/table.ts';
import { bounded, isolated, linkTo, pathTo } from './parts/text.ts';

/** Rows and columns that the page shows; the file has all. */
const mostRows = 200;
const mostColumns = 40;
/** The largest file of repaired rows. Bytes. */
const mostBytes = 16 << 20;

interface Row {
  readonly row: number;
  readonly values: Readonly<Record<string, string>>;
}

function rowsTable(rows: readonly Row[], { t }: View): Html {
  const columns = Object.keys(rows[0]?.values ?? {}).slice(0, mostColumns);
  return table({
    id: 'rows',
    caption: t.quarantine.title,
    head: [t.quarantine.row, ...columns.map((each) => bounded(each, 80))],
    rows: rows.map(({ row, values }) => [row, ...columns.map((each) => isolated(values[each] ?? '', 200))]),
    empty: t.quarantine.none,
  });
}

const repairForm = (run: string, source: string, { t }: View): Html =>
  html`<section><h2>${t.quarantine.repair}</h2><p>${t.quarantine.explain}</p>
<form class="stacked" method="post" enctype="multipart/form-data" action="${pathTo('runs', run)}:replay"><input type="hidden" name="source" value="${source}">
<label for="file">${t.quarantine.file}</label><input id="file" name="file" type="file" accept=".csv,text/csv" required>
<button class="main">${t.quarantine.send}</button></form></section>`;

const quarantinePage = page({
  name: 'quarantinePage',
  path: '/runs/{run}/quarantine',
  scope: 'data',
  summary: 'The quarantined rows of a run, with the reason of each',
  params: { run: runName },
  query: { source: partName.optional() },
  async content(asked, view) {
    const { t } = view;
    const { run, state } = await readRun(asked, asked.params.run);
    const sources = Object.entries(state.profiles ?? {}).flatMap(([name, { quarantine }]) =>
      quarantine === undefined ? [] : [name],
    );
    const source = asked.query.source ?? sources[0];
    const back = html`<p>${t.run.toRun} ${linkTo(pathTo('runs', run), run)}</p>`;
    const { title } = t.quarantine;
    if (source === undefined)
      return { title, body: html`<h1>${title}</h1>${back}<p class="faint">${t.quarantine.nothing}</p>` };
    const { items, next } = await answerTo(quarantineCalls.getQuarantine, asked, {
      params: { run, source },
      query: { limit: mostRows, after: undefined },
    });
    const file = `/api/v1${pathTo('runs', run, 'quarantine', source)}/file`;
    const body = html`<h1>${title}: ${isolated(source, 120)}</h1>${back}
${
  sources.length > 1 &&
  html`<form class="filters" action="${pathTo('runs', run, 'quarantine')}">${select(
    'source',
    t.run.source,
    source,
    sources.map((value) => ({ value, text: bounded(value, 80) })),
  )}<button>${t.run.filter}</button></form>`
}
<p class="row"><a href="${file}" download>${t.quarantine.download}</a>${next !== null && html` <span class="faint">${t.quarantine.first(items.length)}</span>`}</p>
${rowsTable(items, view)}${view.can('runs:write') && repairForm(run, source, view)}`;
    return { title, body };
  },
});

const replayForm = action({
  name: 'replayForm',
  path: '/runs/{run}:replay',
  scope: 'runs:write',
  summary: 'Takes repaired rows, and runs the pipeline with them',
  params: { run: runName },
  form: { source: partName.optional(), file: z.file() },
  maximumBytes: mostBytes,
  async perform(asked) {
    const { source, file } = asked.form;
    const given = { ...asked, raw: new Uint8Array(await file.arrayBuffer()) };
    const { run } = await answerTo(startCalls.replayRun, given, {
      params: asked.params,
      query: source === undefined ? {} : { source },
    });
    return noticed(pathTo('runs', run), 'replayed');
  },
});

/** Quarantined rows, and their repair. */
export const quarantinePages: readonly AnyRoute[] = [quarantinePage, replayForm];
