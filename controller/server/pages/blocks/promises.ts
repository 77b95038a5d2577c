import type { PromiseDocument } from '../../../app/views/promises.ts';
import { type Html, html } from '../../../lib/html.ts';
import type { View } from '../frame/view.ts';
import { marks } from '../parts/marks.ts';
import { badge } from '../parts/state.ts';
import { table } from '../parts/table.ts';
import { bounded, isolated, linkTo, pathTo } from '../parts/text.ts';
import { moment } from '../parts/time.ts';

/** How often a promise was kept, and its last times one by one. */
function recordOf({ promise, record }: PromiseDocument, { t }: View): Html | null {
  if (record === null) return null;
  const states = record.recent.map((isKept) => (isKept ? 'kept' : 'broken'));
  const drawn = states.length > 0 && marks(states, { t, of: bounded(promise, 60), says: t.alerts.lastTimes });
  return html`${record.kept}/${record.of} ${drawn}`;
}

/** What pipelines promise, how it stands, and how it was; of one pipeline, without its name. */
export function promisesTable(all: readonly PromiseDocument[], view: View, isOfOne = false): Html {
  const { t } = view;
  const a = t.alerts;
  return table({
    id: 'promises',
    caption: a.promises,
    head: [a.promise, ...(isOfOne ? [] : [t.run.pipeline]), t.run.state, a.says, a.kept, a.due],
    rows: all.map((each) => [
      isolated(each.promise, 100),
      ...(isOfOne ? [] : [linkTo(pathTo('pipelines', each.pipeline), each.pipeline)]),
      html`${badge(each.state, t)}${each.why !== null && html`<br>${isolated(each.why, 300)}`}`,
      isolated(each.says, 200),
      recordOf(each, view),
      moment(each.due),
    ]),
    empty: a.noPromises,
  });
}

/** How it stands with the promises of a pipeline, in a few words: those that are not kept by name. */
export function promiseLines(all: readonly PromiseDocument[], { t }: View): Html | null {
  if (all.length === 0) return null;
  const kept = all.filter(({ state }) => state === 'kept').length;
  const others = all.filter(({ state }) => state !== 'kept');
  return html`<ul class="plain">${others.map(
    ({ state, promise, why }) =>
      html`<li>${badge(state, t)} ${isolated(promise, 60)}${why !== null && html`<br><span class="faint">${isolated(why, 160)}</span>`}</li>`,
  )}${kept > 0 && html`<li>${badge('kept', t)}${all.length > 1 && html` ${kept}/${all.length}`}</li>`}</ul>`;
}
