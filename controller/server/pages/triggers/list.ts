import type { FiringDocument, TriggerDocument } from '../../../app/views/triggers.ts';
import { type Html, html } from '../../../lib/html.ts';
import { triggerCalls } from '../../routes/triggers.ts';
import { answerTo, page } from '../frame/page.ts';
import type { View } from '../frame/view.ts';
import { badge } from '../parts/state.ts';
import { table } from '../parts/table.ts';
import { isolated, linkTo, pathTo } from '../parts/text.ts';
import { ago, moment } from '../parts/time.ts';

/** The last firing of a trigger: how it went, when, and its run. */
function lastFiring(last: FiringDocument | null, { t }: View): Html | null {
  if (!last) return null;
  const at = ago(last.due ?? last.noted);
  return html`${badge(last.outcome, t)} ${last.run === null ? at : html`<a href="${pathTo('runs', last.run)}">${at}</a>`}`;
}

/** Triggers as a table. */
export const triggersTable = (items: readonly TriggerDocument[], view: View): Html => {
  const { t } = view;
  const words = t.triggers;
  return table({
    id: 'triggers',
    caption: words.title,
    head: [words.trigger, t.run.pipeline, words.kind, words.says, t.run.state, words.next, words.last, words.waiting],
    rows: items.map((each) => [
      // One that no served file has is known to the store alone.
      each.state === 'gone'
        ? isolated(each.trigger, 120)
        : linkTo(pathTo('pipelines', each.pipeline, 'triggers', each.trigger), each.trigger),
      isolated(each.pipeline, 120),
      each.kind,
      each.says === null ? null : isolated(each.says, 200),
      html`${badge(each.state, t)}${each.owed > 0 && html` <span class="state warn">${t.overview.owes(each.owed)}</span>`}`,
      moment(each.next),
      lastFiring(each.last, view),
      each.waiting,
    ]),
    numbers: [7],
    empty: words.none,
    isList: true,
  });
};

export const triggersPage = page({
  name: 'triggersPage',
  path: '/triggers',
  scope: 'read',
  summary: 'All triggers: what each waits for, and how it last went',
  async content(asked, view) {
    const { items } = await answerTo(triggerCalls.listTriggers, asked, {});
    const { title } = view.t.triggers;
    return {
      title,
      body: html`<h1>${title}</h1><p><a href="/calendar">${view.t.triggers.calendar}</a></p>${triggersTable(items, view)}`,
      stream: '/api/v1/events',
    };
  },
});
