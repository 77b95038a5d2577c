import { z } from 'zod';
import { html } from '../../lib/html.ts';
import { byToken } from '../doors/authenticate.ts';
import { beginSession, cookie, endSession } from '../doors/session.ts';
import type { AnyRoute } from '../http/route.ts';
import { type Content, pageResponse } from './frame/layout.ts';
import { action, page } from './frame/page.ts';
import { clocks, ownPath, preferenceCookies, themes, type View, viewOf } from './frame/view.ts';
import { languages } from './words/words.ts';

const to = z.string().max(2000).optional();

function form({ t }: View, { to: path, isRefused }: { to?: string | undefined; isRefused?: true }): Content {
  const body = html`<h1>${t.login.title}</h1>
${isRefused && html`<p class="notice bad" role="alert">${t.login.refused}</p>`}
<form class="stacked" method="post" action="/login"><input type="hidden" name="to" value="${ownPath(path)}">
<label for="token">${t.login.token}</label>
<input id="token" name="token" type="password" autocomplete="current-password" required maxlength="200" aria-describedby="token-help"${isRefused && html` aria-invalid="true"`}>
<p id="token-help" class="faint">${t.login.help} <code>sluice token create</code></p>
<button class="main">${t.login.submit}</button></form>`;
  return { title: t.login.title, body, ...(isRefused && { status: 401 }) };
}

const loginPage = page({
  name: 'loginPage',
  path: '/login',
  scope: 'none',
  summary: 'Asks for a token',
  query: { to },
  content: async ({ query }, view) => form(view, query),
});

const login = action({
  name: 'login',
  path: '/login',
  scope: 'none',
  summary: 'Begins a session with a token',
  form: { token: z.string().max(200).default(''), to },
  async perform({ api, form: given, headers, url, isTls }) {
    const text = given.token.trim();
    const now = api.now();
    const found = await byToken(text, { tokens: api.store, now: () => now });
    const token = 'refused' in found ? undefined : await api.store.token(found.id);
    if (!token) {
      const view = viewOf(headers, url, api, undefined);
      return pageResponse(form(view, { to: given.to, isRefused: true }), view);
    }
    return new Response(null, {
      status: 303,
      headers: { location: ownPath(given.to), 'set-cookie': beginSession(text, token, now, isTls) },
    });
  },
});

const logout = action({
  name: 'logout',
  path: '/logout',
  scope: 'none',
  summary: 'Ends the session in the browser',
  perform: async ({ isTls }) =>
    new Response(null, { status: 303, headers: { location: '/login', 'set-cookie': endSession(isTls) } }),
});

/** How long a browser remembers language and colours. Seconds. */
const rememberedSeconds = 365 * 86_400;

const setPreferences = action({
  name: 'setPreferences',
  path: '/preferences',
  scope: 'none',
  summary: 'Chooses the language, the colours and the clock of the pages',
  form: {
    to,
    language: z.enum(languages).optional(),
    theme: z.enum(themes).optional(),
    clock: z.enum(clocks).optional(),
  },
  async perform({ form: given }) {
    const headers = new Headers({ location: ownPath(given.to) });
    for (const name of ['language', 'theme', 'clock'] as const) {
      const value = given[name];
      if (value !== undefined)
        headers.append('set-cookie', cookie(preferenceCookies[name], value, rememberedSeconds, '; HttpOnly'));
    }
    return new Response(null, { status: 303, headers });
  },
});

/** The login, and what needs none. */
export const loginRoutes: readonly AnyRoute[] = [loginPage, login, logout, setPreferences];
