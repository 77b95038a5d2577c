import type { CalendarDocument } from '../../../app/views/triggers.ts';
import { type Html, html } from '../../../lib/html.ts';
import type { View } from '../frame/view.ts';
import { signOf } from '../parts/state.ts';
import { bounded, isolated, pathTo } from '../parts/text.ts';

type Item = CalendarDocument['items'][number];
/** The triggers that have a page, in the calendar of all of them. */
type Pages = ReadonlySet<string> | undefined;

const dayMs = 86_400_000;
/** As many instants of a day are shown. */
const mostOfDay = 4;
const mostOfAll = 8;

/** The first and the last moment of a month in UTC, such as 2026-11. Milliseconds since 1970; the end is not included. */
export function monthRange(month: string): { readonly from: number; readonly to: number } {
  const [year = 0, number = 1] = month.split('-').map(Number);
  return { from: Date.UTC(year, number - 1), to: Date.UTC(year, number) };
}

/** The month that is some months after another one. */
export const monthAfter = (month: string, months: number): string => {
  const [year = 0, number = 1] = month.split('-').map(Number);
  return new Date(Date.UTC(year, number - 1 + months)).toISOString().slice(0, 7);
};

/** An instant on its day: a sign, the time, in the calendar of all triggers the name, and the outcome in words. */
function instant({ due, outcome, reason, run, pipeline, trigger }: Item, { t }: View, pages: Pages): Html {
  const name = `${pipeline} ${trigger}`;
  const text = html`<span aria-hidden="true">${signOf(outcome)}</span> ${(due ?? '').slice(11, 16)}${pages && html` ${isolated(name, 60)}`}<span class="unseen"> ${t.states[outcome]}</span>`;
  const why = reason === null ? t.states[outcome] : `${t.states[outcome]}: ${bounded(reason, 120)}`;
  const way =
    run !== null
      ? pathTo('runs', run)
      : pages?.has(name)
        ? pathTo('pipelines', pipeline, 'triggers', trigger)
        : undefined;
  return html`<li title="${why}">${way === undefined ? text : html`<a href="${way}">${text}</a>`}</li>`;
}

/** Several instants of a trigger on a day: how many have which outcome, and where the trigger is. */
function several(own: readonly Item[], { t }: View, pages: ReadonlySet<string>): Html {
  const [{ pipeline, trigger } = { pipeline: '', trigger: '' }] = own;
  const name = `${pipeline} ${trigger}`;
  const counts = new Map<Item['outcome'], number>();
  for (const { outcome, count } of own) counts.set(outcome, (counts.get(outcome) ?? 0) + count);
  const text = html`${[...counts].map(
    ([outcome, n]) =>
      html`<span aria-hidden="true">${signOf(outcome)}</span> ${n}<span class="unseen"> ${t.states[outcome]},</span> `,
  )}${isolated(name, 60)}`;
  return html`<li>${pages.has(name) ? html`<a href="${pathTo('pipelines', pipeline, 'triggers', trigger)}">${text}</a>` : text}</li>`;
}

/** The instants of a day: of one trigger each, of all triggers those of each together. */
function linesOf(own: readonly Item[], view: View, pages: Pages): Html[] {
  if (!pages) return own.map((each) => instant(each, view, pages));
  const groups = new Map<string, Item[]>();
  for (const each of own) {
    const name = `${each.pipeline} ${each.trigger}`;
    groups.set(name, [...(groups.get(name) ?? []), each]);
  }
  return [...groups.values()].map((all) =>
    all.length === 1 && all[0] ? instant(all[0], view, pages) : several(all, view, pages),
  );
}

/** What a trigger, or all of them, owed and did on each day of a month, in UTC, in weeks from Monday. */
export function monthTable(month: string, items: readonly Item[], view: View, pages?: Pages): Html {
  const { t } = view;
  const most = pages ? mostOfAll : mostOfDay;
  const { from, to } = monthRange(month);
  const before = (new Date(from).getUTCDay() + 6) % 7;
  const days = Array.from(
    { length: Math.ceil((before + (to - from) / dayMs) / 7) * 7 },
    (_, i) => from + (i - before) * dayMs,
  );
  const weeks = Array.from({ length: days.length / 7 }, (_, i) => days.slice(i * 7, i * 7 + 7));
  const day = (at: number): Html => {
    if (at < from || at >= to) return html`<td></td>`;
    const date = new Date(at).toISOString().slice(0, 10);
    const own = items.filter(({ due }) => due?.startsWith(date));
    const lines = linesOf(own, view, pages);
    return html`<td><time datetime="${date}" data-date>${Number(date.slice(8))}</time>${
      lines.length > 0 &&
      html`<ul>${lines.slice(0, most)}${lines.length > most && html`<li>${t.triggers.more(lines.length - most)}</li>`}</ul>`
    }</td>`;
  };
  return html`<div class="scroll" tabindex="0" role="region" aria-labelledby="month-caption"><table class="month"><caption id="month-caption">${t.triggers.month}: ${month} (UTC)</caption>
<thead><tr>${t.triggers.weekdays.split(' ').map((each) => html`<th scope="col">${each}</th>`)}</tr></thead>
<tbody>${weeks.map((week) => html`<tr>${week.map(day)}</tr>`)}</tbody></table></div>`;
}
