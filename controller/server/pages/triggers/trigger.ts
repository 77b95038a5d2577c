import type { TriggerDetail } from '../../../app/views/triggers.ts';
import { type Html, html } from '../../../lib/html.ts';
import { triggerCalls } from '../../routes/triggers.ts';
import { answerTo, page } from '../frame/page.ts';
import type { View } from '../frame/view.ts';
import { field, sendButton, sureButton } from '../parts/forms.ts';
import { badge } from '../parts/state.ts';
import { facts, table } from '../parts/table.ts';
import { bounded, isolated, linkTo, pathTo } from '../parts/text.ts';
import { moment } from '../parts/time.ts';
import { monthLinks, monthOf, monthQuery } from './calendar.ts';
import { monthRange, monthTable } from './month.ts';
import { rangeForm } from './range.ts';
import { triggerPageParams, triggerPagePath } from './trigger-path.ts';

/** What may be done with a trigger in its state. */
function actionForms({ pipeline, trigger, paused, owed }: TriggerDetail, { t, can }: View): Html | undefined {
  if (!can('triggers:write')) return undefined;
  const path = pathTo('pipelines', pipeline, 'triggers', trigger);
  const words = t.triggers;
  const pause = html`<form class="row" method="post" action="${path}:pause">${field('reason', words.pauseReason, undefined)}<button class="danger">${words.pause}</button></form>`;
  return html`<section id="actions" data-live><div class="row">${
    paused ? sendButton(`${path}:resume`, words.resume, { kind: 'main' }) : pause
  }${sendButton(`${path}:fire`, words.fire, { confirm: words.sureFire })}</div>
<div class="row">${owed > 0 && sureButton(`${path}:skip`, words.skip, words.sureSkip(owed))}${sureButton(`${path}:reset`, words.reset, words.sureReset)}</div></section>`;
}

function head(of: TriggerDetail, { t }: View): Html {
  const { pipeline, kind, says, state, problem, paused, next, owed, waiting, remarks } = of;
  const words = t.triggers;
  return html`<section id="head" data-live data-says="${t.states[state]}"><div class="card">${facts([
    [t.run.state, badge(state, t)],
    [t.run.pipeline, linkTo(pathTo('pipelines', pipeline), pipeline)],
    [words.kind, kind],
    [words.says, says === null ? null : isolated(says, 300)],
    [words.next, moment(next)],
    [t.states.owed, owed],
    [words.waiting, waiting],
    ...(paused
      ? [
          [
            words.pausedBy,
            html`${isolated(paused.by, 80)}, ${moment(paused.since)}${paused.until !== null && html` – ${moment(paused.until)}`}${paused.reason !== null && html`: ${isolated(paused.reason, 500)}`}`,
          ] as const,
        ]
      : []),
  ])}${problem !== null && html`<p class="notice bad">${words.problem}: ${isolated(problem, 1000)}</p>`}${
    remarks.length > 0 &&
    html`<p>${words.remarks}</p><ul>${remarks.slice(0, 20).map((each) => html`<li>${isolated(each, 300)}</li>`)}</ul>`
  }</div></section>`;
}

const moments = (of: TriggerDetail, { t }: View): Html =>
  table({
    id: 'moments',
    caption: t.triggers.moments,
    head: [t.triggers.moment, t.run.state, t.run.reason, t.run.run, t.run.key],
    rows: of.moments.map(({ due, key, outcome, reason, run }) => [
      moment(due),
      badge(outcome, t),
      reason === null ? null : isolated(reason, 300),
      run === null ? null : linkTo(pathTo('runs', run), run),
      html`<code>${isolated(key, 200)}</code>`,
    ]),
    empty: t.triggers.noMoments,
  });

export const triggerPage = page({
  name: 'triggerPage',
  path: triggerPagePath,
  scope: 'read',
  summary: 'A trigger: what it waits for, its month, and its firings',
  params: triggerPageParams,
  query: { month: monthQuery },
  async content(asked, view) {
    const { t, now, can } = view;
    const { pipeline, trigger } = asked.params;
    const of = await answerTo(triggerCalls.getTrigger, asked, {
      params: asked.params,
      query: { coming: 10, rows: 50 },
    });
    const month = asked.query.month ?? monthOf(now);
    // Only what fires by the clock has instants to come.
    const isClock = of.next !== null || of.moments.some(({ outcome }) => outcome === 'to-come' || outcome === 'paused');
    const calendar = isClock ? await asked.api.calendar({ ...monthRange(month), pipelines: [pipeline] }) : undefined;
    const own = calendar?.items.filter((each) => each.pipeline === pipeline && each.trigger === trigger) ?? [];
    const path = pathTo('pipelines', pipeline, 'triggers', trigger);
    const body = html`<h1>${t.triggers.trigger} ${isolated(trigger, 130)}</h1>
${actionForms(of, view)}${head(of, view)}
${isClock && can('triggers:write') && html`<section id="fire-range"><h2>${t.triggers.fireRange}</h2><div class="card">${rangeForm(path, {}, view)}</div></section>`}
${
  calendar &&
  html`<section id="month" data-live>${monthTable(month, own, view)}
${monthLinks(path, month, t.triggers)}
${!calendar.isComplete && html`<p class="faint">${t.triggers.incomplete}</p>`}</section>`
}
${moments(of, view)}`;
    return { title: bounded(trigger, 60), body, stream: '/api/v1/events' };
  },
});
