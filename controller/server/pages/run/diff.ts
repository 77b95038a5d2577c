import { type Difference, differencesOf, type Fact, factParts } from '../../../app/views/diff.ts';
import { formatDuration } from '../../../lib/duration.ts';
import { type Html, html } from '../../../lib/html.ts';
import { iso } from '../../../lib/text.ts';
import { shownValue } from '../../../report/numbers.ts';
import { type Asking, type FoundRun, readRun, runName } from '../../routes/shared.ts';
import { ledTo, page } from '../frame/page.ts';
import type { View } from '../frame/view.ts';
import { type Choice, select } from '../parts/forms.ts';
import { badge } from '../parts/state.ts';
import { table } from '../parts/table.ts';
import { bounded, isolated, linkTo, pathTo } from '../parts/text.ts';
import { moment } from '../parts/time.ts';

/** As many other runs are offered, and as many differences of a part are shown; the API has all of them. */
const offered = 30;
const mostOfPart = 200;

/** The runs of the same pipeline before this one, the newest first. */
async function runsBefore(
  { api }: Asking,
  { summary }: FoundRun,
): Promise<readonly { run: string; started: number }[]> {
  return api.store.list({ pipeline: summary.pipeline, before: summary.number, limit: offered });
}

/** The form that compares a run with an earlier one of its pipeline; none when it is the first. */
export async function compareForm(
  asking: Asking,
  found: FoundRun,
  { t }: View,
  chosen?: string,
): Promise<Html | undefined> {
  const before = await runsBefore(asking, found);
  if (before.length === 0) return undefined;
  const choices = before.map(
    ({ run, started }): Choice => ({
      value: run,
      text: `${bounded(run, 60)} (${(iso(started) ?? '').slice(0, 16).replace('T', ' ')})`,
    }),
  );
  return html`<form class="row" action="${pathTo('runs', found.run, 'diff')}">${select(
    'other',
    t.diff.with,
    chosen ?? before[0]?.run,
    choices,
  )}<button>${t.diff.compare}</button></form>`;
}

/** Leads to the comparison with a run that a form names, or with the one before. */
export const comparePage = page({
  name: 'comparePage',
  path: '/runs/{run}/diff',
  scope: 'read',
  summary: 'Leads to the comparison of two runs',
  params: { run: runName },
  query: { other: runName.optional() },
  async content(asked, { t }) {
    const found = await readRun(asked, asked.params.run);
    const other = asked.query.other ?? (await runsBefore(asked, found))[0]?.run;
    if (other !== undefined) return ledTo(pathTo('runs', found.run, 'diff', other));
    const body = html`<h1>${t.diff.title}</h1><p>${t.diff.first}</p><p>${t.run.toRun} ${linkTo(pathTo('runs', found.run), found.run)}</p>`;
    return { title: t.diff.title, body };
  },
});

const shownFact = (fact: Fact | undefined): Html | number | null => {
  if (fact === undefined) return null;
  if (fact.text !== undefined) return isolated(fact.text, 300);
  return typeof fact.value === 'number' ? fact.value : isolated(fact.value, 300);
};

/** By how much a number has changed: the difference, and its share of what it was. Pure. */
export function changeOf(from: Fact | undefined, to: Fact | undefined): string {
  if (typeof from?.value !== 'number' || typeof to?.value !== 'number') return '';
  const change = to.value - from.value;
  const size = Math.abs(change);
  const sign = change < 0 ? '−' : '+';
  const isTime = from.part === 'times';
  const shown = isTime ? formatDuration(size) : size < 1 ? String(Number(size.toFixed(4))) : shownValue(size);
  const share = from.value === 0 ? '' : ` (${sign}${Number(((size / Math.abs(from.value)) * 100).toFixed(1))} %)`;
  return `${sign}${shown}${share}`;
}

function partTable(
  part: (typeof factParts)[number],
  all: readonly Difference[],
  [first, second]: readonly [string, string],
  { t }: View,
): Html | false {
  const own = all.filter(({ a, b }) => (a ?? b)?.part === part).slice(0, mostOfPart);
  if (own.length === 0) return false;
  const isState = (what: string): boolean => what === 'state' || part === 'checks' || what.endsWith(': state');
  const cell = (what: string, fact: Fact | undefined): Html | number | null =>
    fact !== undefined && isState(what) ? badge(String(fact.value), t) : shownFact(fact);
  return table({
    id: `diff-${part}`,
    caption: t.diff.parts[part],
    head: [t.diff.what, bounded(first, 60), bounded(second, 60), t.diff.change],
    rows: own.map(({ what, a, b }) => [isolated(nameOf(what, t), 200), cell(what, a), cell(what, b), changeOf(a, b)]),
    empty: '',
  });
}

/** The name of a fact: those of all runs in the language of the page, those of a pipeline as it has them. */
function nameOf(what: string, { run, diff }: View['t']): string {
  const known: Readonly<Record<string, string>> = {
    ...{ pipeline: run.pipeline, state: run.state, branch: run.branch, quality: run.quality, 'time: all': diff.all },
  };
  return known[what] ?? what.replace(/^(check|time:) /, '');
}

const side = ({ run, summary }: FoundRun, caption: string, { t }: View): Html =>
  html`<div><dt>${caption}</dt><dd>${linkTo(pathTo('runs', run), run)} ${badge(summary.state, t)}<br>${moment(iso(summary.started))}</dd></div>`;

export const diffPage = page({
  name: 'diffPage',
  path: '/runs/{run}/diff/{other}',
  scope: 'read',
  summary: 'What two runs do not share: rows, checks, steps, settings, results and times',
  params: { run: runName, other: runName },
  async content(asked, view) {
    const { t } = view;
    const [one, another] = await Promise.all([readRun(asked, asked.params.run), readRun(asked, asked.params.other)]);
    // The earlier one comes first, however they were named.
    const [a, b] = one.summary.number <= another.summary.number ? [one, another] : [another, one];
    const differences = differencesOf(a, b);
    const form = await compareForm(asked, b, view, a.run);
    const api = `/api/v1${pathTo('runs', a.run, 'diff', b.run)}`;
    const body = html`<h1>${t.diff.title}</h1>
<div class="card"><dl class="facts">${side(a, t.diff.earlier, view)}${side(b, t.diff.later, view)}</dl>${form}</div>
${differences.length === 0 && html`<p class="notice">${t.diff.none}</p>`}
${factParts.map((part) => partTable(part, differences, [t.diff.earlier, t.diff.later], view))}
<p class="row"><a href="${api}">${t.run.json}</a></p>`;
    return { title: `${t.diff.title} ${bounded(b.run, 60)}`, body };
  },
});
