import { z } from 'zod';
import { html } from '../../lib/html.ts';
import type { AnyRoute } from '../http/route.ts';
import { accessCalls } from '../routes/access.ts';
import { pager } from './blocks/pager.ts';
import { answerTo, page } from './frame/page.ts';
import { table } from './parts/table.ts';
import { isolated, linkTo, pathTo } from './parts/text.ts';
import { moment } from './parts/time.ts';

/** As many entries are on a page. */
const ofPage = 50;

const auditPage = page({
  name: 'auditPage',
  path: '/audit',
  scope: 'admin',
  summary: 'Who changed what, and which logins were refused; the newest first',
  query: { after: z.string().max(200).optional() },
  async content(asked, view) {
    const { t } = view;
    const words = t.audit;
    const { after } = asked.query;
    const { items, next } = await answerTo(accessCalls.getAudit, asked, { query: { limit: ofPage, after } });
    const body = html`<h1>${words.title}</h1><p class="faint">${words.explain}</p>
${table({
  id: 'audit',
  caption: words.entries,
  head: [words.at, words.by, words.action, words.target, words.status, words.address, words.token, words.detail],
  rows: items.map(({ at, by, action, target, status, address, token, detail }) => [
    moment(at),
    isolated(by, 100),
    html`<code>${isolated(action, 160)}</code>`,
    target === null
      ? null
      : // Only runs are named by what is done to them; others have no page by their name alone.
        action.includes('/runs') && status < 400
        ? linkTo(pathTo('runs', target), target)
        : isolated(target, 200),
    html`<span class="state ${status < 400 ? 'good' : 'bad'}"><span aria-hidden="true">${status < 400 ? '✓' : '✗'}</span> ${status}</span>`,
    address === null ? null : isolated(address, 60),
    token === null ? null : html`<code>${isolated(token, 40)}</code>`,
    detail === null ? null : isolated(detail, 300),
  ]),
  empty: words.none,
})}
${pager('/audit', new URLSearchParams(), { isFirst: after === undefined, next }, view)}`;
    return { title: words.title, body };
  },
});

/** The audit log. */
export const auditPages: readonly AnyRoute[] = [auditPage];
