import { z } from 'zod';
import { type Html, html } from '../../../lib/html.ts';
import { Problem } from '../../http/problem.ts';
import { triggerActions } from '../../routes/trigger-actions.ts';
import { answerTo, page } from '../frame/page.ts';
import type { View } from '../frame/view.ts';
import { field, select, sendButton } from '../parts/forms.ts';
import { table } from '../parts/table.ts';
import { isolated, linkTo, pathTo } from '../parts/text.ts';
import { moment } from '../parts/time.ts';
import { triggerPageParams as params, triggerPagePath } from './trigger-path.ts';

/** As many instants are shown of those that would be fired. */
const mostShown = 200;

const choices = ['missing', 'failed', 'all'] as const;
/** A time of a form, in UTC: browsers send it without seconds, others may send it with them. */
const formTime = z.string().regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?$/, 'must be a time, such as 2026-11-24T06:00');
export const rangeFields = { from: formTime, to: formTime, only: z.enum(choices).optional() };

interface Range {
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  readonly only?: (typeof choices)[number] | undefined;
}

/** The body of a request to fire a range, from the fields of a form. Throws a Problem for a day that does not exist. */
export function rangeBody({ from = '', to = '', only }: Range) {
  for (const [name, time] of Object.entries({ from, to }))
    if (Number.isNaN(Date.parse(`${time}Z`))) {
      const details = [{ in: 'query' as const, pointer: `/${name}`, message: 'is no time' }];
      throw new Problem(400, `there is no time ${time}`, { details });
    }
  return { from: `${new Date(`${from}Z`).toISOString()}`, to: new Date(`${to}Z`).toISOString(), ...(only && { only }) };
}

/** Asks for the instants of a range; nothing is fired by it. */
export function rangeForm(path: string, { from, to, only = 'missing' }: Range, { t }: View): Html {
  const words = t.triggers;
  const options = choices.map((value) => ({ value, text: words.onlyOf[value] }));
  return html`<form class="row" action="${path}/range">${field('from', words.from, from, 'datetime-local')}${field('to', words.to, to, 'datetime-local')}${select('only', words.only, only, options)}<button>${words.dryRun}</button></form>`;
}

export const rangePage = page({
  name: 'rangePage',
  path: `${triggerPagePath}/range`,
  scope: 'triggers:write',
  summary: 'What firing a trigger for the instants of a range would start; starts nothing',
  params,
  query: { from: formTime.optional(), to: formTime.optional(), only: z.enum(choices).optional() },
  async content(asked, view) {
    const { t } = view;
    const words = t.triggers;
    const { pipeline, trigger } = asked.params;
    const path = pathTo('pipelines', pipeline, 'triggers', trigger);
    const range: Range = asked.query;
    const back = html`<p>${linkTo(path, `${pipeline} ${trigger}`)}</p>`;
    const title = words.fireRange;
    const form = rangeForm(path, range, view);
    if (range.from === undefined || range.to === undefined)
      return { title, body: html`<h1>${title}</h1>${back}<div class="card">${form}</div>` };
    const body = { ...rangeBody(range), dryRun: true };
    const { items } = await answerTo(triggerActions.fireTrigger, asked, { params: asked.params, body });
    const starts = items.filter(({ action }) => action === 'start').length;
    const { from, to, only } = range;
    const send = sendButton(`${path}:fire`, words.startAll(starts), {
      kind: 'main',
      confirm: words.startAll(starts),
      fields: { from, to, ...(only && { only }) },
    });
    return {
      title,
      body: html`<h1>${title}</h1>${back}<div class="card">${form}</div>
<p role="status">${words.wouldStart(starts, items.length - starts)}</p>${starts > 0 && send}
${table({
  id: 'range',
  caption: words.moments,
  head: [words.moment, words.would, t.run.reason, t.run.key],
  rows: items
    .slice(0, mostShown)
    .map(({ due, key, action, reason }) => [
      moment(due),
      words.actions[action],
      isolated(reason, 300),
      html`<code>${isolated(key, 200)}</code>`,
    ]),
  empty: words.noMoments,
})}${items.length > mostShown && html`<p class="faint">${words.more(items.length - mostShown)}</p>`}`,
    };
  },
});
