import { z } from 'zod';
import { html } from '../../../lib/html.ts';
import { page } from '../frame/page.ts';
import { monthAfter, monthRange, monthTable } from './month.ts';

export const monthQuery = z
  .string()
  .regex(/^(19|20|21)\d\d-(0[1-9]|1[0-2])$/, 'must be a month, such as 2026-11')
  .optional();

/** The month of a time, such as 2026-11, in UTC. */
export const monthOf = (now: number): string => new Date(now).toISOString().slice(0, 7);

/** The ways to the months around one. */
export const monthLinks = (path: string, month: string, t: { previous: string; following: string }) =>
  html`<p class="row"><a href="${path}?month=${monthAfter(month, -1)}">← ${t.previous}</a> <a href="${path}?month=${monthAfter(month, 1)}">${t.following} →</a></p>`;

export const calendarPage = page({
  name: 'calendarPage',
  path: '/calendar',
  scope: 'read',
  summary: 'What all triggers owed, did and will do, on each day of a month',
  query: { month: monthQuery },
  async content(asked, view) {
    const { t, now } = view;
    const words = t.triggers;
    const month = asked.query.month ?? monthOf(now);
    const { pipelines } = asked.principal;
    const [{ items, isComplete }, served] = await Promise.all([
      asked.api.calendar({ ...monthRange(month), pipelines }),
      asked.api.pipelines(),
    ]);
    // The ledger also has rows of triggers that no file has any more, and those have no page.
    const pages = new Set(
      served.flatMap(({ pipeline }) => Object.keys(pipeline.triggers ?? {}).map((name) => `${pipeline.name} ${name}`)),
    );
    const body = html`<h1>${words.calendar}</h1>
<section id="month" data-live>${monthTable(month, items, view, pages)}
${monthLinks('/calendar', month, words)}
${!isComplete && html`<p class="faint">${words.incomplete}</p>`}</section>
<p><a href="/triggers">${words.title}</a></p>`;
    return { title: words.calendar, body, stream: '/api/v1/events' };
  },
});
