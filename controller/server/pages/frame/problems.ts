import { html } from '../../../lib/html.ts';
import { endSession, sessionOf } from '../../doors/session.ts';
import type { Api } from '../../http/api.ts';
import type { Problem } from '../../http/problem.ts';
import type { Principal } from '../../http/route.ts';
import { bounded } from '../parts/text.ts';
import { pageResponse } from './layout.ts';
import { ownPath, viewOf } from './view.ts';

/** Whether a request for nothing that there is comes from a browser's address bar, or from a link. */
export const isForPeople = ({ method, url, headers }: Request): boolean =>
  method === 'GET' && !new URL(url).pathname.startsWith('/api/') && /\btext\/html\b/.test(headers.get('accept') ?? '');

/**
 * Whether a browser follows a link of another site, such as a mail's or a chat's. It sends no session then, and the
 * request is refused; from a page of this server it may go on.
 */
const isArrival = ({ method, headers }: Request): boolean =>
  method === 'GET' &&
  headers.get('sec-fetch-mode') === 'navigate' &&
  ['cross-site', 'same-site'].includes(headers.get('sec-fetch-site') ?? '');

interface About {
  readonly api: Api;
  readonly principal: Principal | undefined;
  readonly isTls: boolean;
  /** Identifies the request, as in the log. */
  readonly id: string;
}

/** A problem as a page; a browser without a session is led to the login. */
export function problemPage(problem: Problem, request: Request, { api, principal, isTls, id }: About): Response {
  const { headers, method } = request;
  const url = new URL(request.url);
  if (problem.status === 401 && !headers.has('authorization')) {
    const to = method === 'GET' ? ownPath(`${url.pathname}${url.search}`) : '/';
    const location = to === '/' ? '/login' : `/login?to=${encodeURIComponent(to)}`;
    const isOver = sessionOf(headers, isTls) !== undefined;
    return new Response(null, {
      status: 303,
      headers: { location, 'cache-control': 'no-store', ...(isOver && { 'set-cookie': endSession(isTls) }) },
    });
  }
  // The page of a form that was refused has no address of its own.
  const view = viewOf(headers, method === 'GET' ? url : new URL('/', url), api, principal);
  const { t } = view;
  if (problem.status === 403 && isArrival(request)) {
    const body = html`<h1>${t.arrival}</h1><p><a href="${ownPath(`${url.pathname}${url.search}`)}" data-continue>${t.goOn}</a></p>`;
    return pageResponse({ title: t.arrival, body, status: 403 }, view);
  }
  const { status, message, hint, details } = problem;
  const title = t.problems[status];
  const body = html`<h1>${title}</h1><p>${bounded(message, 1000)}</p>
${hint !== undefined && html`<p>${bounded(hint, 1000)}</p>`}
${details.length > 0 && html`<ul>${details.slice(0, 20).map((each) => html`<li><code>${bounded(each.pointer, 100)}</code> ${bounded(each.message, 300)}</li>`)}</ul>`}
<p><a href="/">${t.toOverview}</a></p><p class="faint">${t.request} <code>${id}</code></p>`;
  return pageResponse({ title, body, status, headers: problem.headers }, view);
}
