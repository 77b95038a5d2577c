import { z } from 'zod';
import { type Html, html } from '../../lib/html.ts';
import { within } from '../../lib/within.ts';
import type { Api } from '../http/api.ts';
import type { AnyRoute } from '../http/route.ts';
import { accessCalls } from '../routes/access.ts';
import { healthCalls } from '../routes/health.ts';
import { action, answerTo, noticed, page } from './frame/page.ts';
import type { View } from './frame/view.ts';
import { sendButton } from './parts/forms.ts';
import { badge } from './parts/state.ts';
import { facts, table } from './parts/table.ts';
import { bounded, isolated, pathTo } from './parts/text.ts';
import { ago, moment } from './parts/time.ts';

/** How long the services may take to say how they are. Milliseconds. */
const servicesMs = 3000;

async function tokens(asked: Parameters<typeof answerTo>[1], { t, principal }: View): Promise<Html> {
  const words = t.settings;
  const { items } = await answerTo(accessCalls.listTokens, asked, {});
  return table({
    id: 'tokens',
    caption: words.tokens,
    head: [
      words.token,
      words.name,
      words.scopes,
      words.pipelines,
      words.created,
      words.expires,
      words.used,
      words.actions,
    ],
    rows: items.map(({ id, name, scopes, pipelines, created, expires, used, revoked }) =>
      [
        html`<code>${id}</code>`,
        isolated(name, 100),
        scopes.join(', '),
        isolated(pipelines.join(', '), 300),
        moment(created),
        moment(expires),
        ago(used),
        revoked === null
          ? // The own session would end with it.
            id !== principal?.token &&
            sendButton(`${pathTo('tokens', id)}:revoke`, words.revoke, {
              kind: 'danger',
              confirm: `${bounded(name, 60)}: ${words.sureRevoke}`,
            })
          : html`${words.revoked} ${moment(revoked)}`,
      ].map((cell) => (cell === false ? null : cell)),
    ),
    empty: words.noTokens,
  });
}

/** The services of the local stack; when none of them runs, most likely none is needed. */
function servicesPart(all: Awaited<ReturnType<Api['services']>>, { t }: View): Html {
  const words = t.settings;
  const shown = table({
    id: 'services',
    caption: words.services,
    head: [words.service, t.run.state, words.address],
    rows: all.map(({ name, state, url }) => [name, badge(state, t), isolated(url, 200)]),
    empty: words.noServices,
  });
  const isStopped = all.length > 0 && all.every(({ state }) => state === 'down');
  return isStopped ? html`<details><summary>${words.noneRuns(all.length)}</summary>${shown}</details>` : shown;
}

const settingsPage = page({
  name: 'settingsPage',
  path: '/settings',
  scope: 'read',
  summary: 'Tokens without their secrets, controllers, services, versions',
  async content(asked, view) {
    const { t } = view;
    const words = t.settings;
    const [{ version, items: controllers }, services] = await Promise.all([
      answerTo(healthCalls.getControllers, asked, {}),
      within(
        servicesMs,
        asked.api.services().catch(() => undefined),
      ),
    ]);
    const body = html`<h1>${words.title}</h1>
${view.can('admin') && html`${await tokens(asked, view)}${asked.principal.pipelines.includes('*') && html`<p><a href="/audit">${t.audit.title}</a></p>`}`}
${table({
  id: 'controllers',
  caption: words.controllers,
  head: [words.controller, words.release, words.tzdata, words.services, words.roles, words.address],
  rows: controllers.map(({ name, isThis, release, tzdata, services: runs, roles, url }) => [
    html`${isolated(name, 160)}${isThis && html` (${words.isThis})`}`,
    release === null ? null : isolated(release, 60),
    tzdata,
    runs.join(', '),
    roles.join(', '),
    url === null ? null : isolated(url, 200),
  ]),
  empty: words.noControllers,
})}
${servicesPart(services ?? [], view)}
<section><h2>${words.about}</h2><div class="card">${facts([
      [words.version, version],
      [words.project, isolated(view.project, 100)],
      [words.api, html`<a href="/docs">/docs</a>`],
      [words.metrics, html`<a href="/metrics">/metrics</a>`],
    ])}</div></section>`;
    return { title: words.title, body };
  },
});

const revokeForm = action({
  name: 'revokeTokenForm',
  path: '/tokens/{id}:revoke',
  scope: 'admin',
  summary: 'Revokes a token for good',
  params: { id: z.string().regex(/^[0-9A-Za-z]{1,32}$/) },
  async perform(asked) {
    await answerTo(accessCalls.revokeToken, asked, { params: asked.params });
    return noticed('/settings', 'revoked');
  },
});

/** What the server is, and who may use it. */
export const settingsPages: readonly AnyRoute[] = [settingsPage, revokeForm];
