import { type Html, html } from '../../../lib/html.ts';
import { bounded } from '../parts/text.ts';
import { languageNames, languages, type Notice } from '../words/words.ts';
import { assets } from './assets.ts';
import { clocks, themes, type View } from './view.ts';

/** A page between the head and the foot that all have. */
export interface Content {
  readonly title: string;
  readonly body: Html;
  readonly status?: number;
  /** The stream whose events make the module read the page again. */
  readonly stream?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Pages load their own style and module, and send forms here; nothing else. */
const policy =
  "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/** A page as an answer. */
export function pageResponse(content: Content, view: View, notice?: Notice): Response {
  return new Response(document(content, view, notice).text, {
    status: content.status ?? 200,
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-store',
      'content-security-policy': policy,
      // Without a referrer, browsers would not name the origin of a form.
      'referrer-policy': 'same-origin',
      ...content.headers,
    },
  });
}

function document({ title, body, stream }: Content, view: View, notice: Notice | undefined): Html {
  const { t, language, theme, clock, project } = view;
  return html`<!doctype html>
<html lang="${language}" data-theme="${theme}" data-clock="${clock}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<meta name="color-scheme" content="light dark"><title>${bounded(title, 100)} · ${bounded(project, 60)} · Sluice</title>
<link rel="icon" href="data:,"><link rel="stylesheet" href="${assets.style}"><script type="module" src="${assets.script}"></script></head>
<body><a class="skip" href="#main">${t.skip}</a>
<header class="top"><a class="brand" href="/">Sluice</a><span class="project">${bounded(project, 60)}</span>
${view.principal && html`${navigation(view)}${search(view)}`}</header>
<main id="main" tabindex="-1"${stream !== undefined && html` data-stream="${stream}" data-away="${t.away}"`}>
${notice && html`<p class="notice" role="status">${t.notices[notice]}</p>`}
${body}
</main>
<footer>${preferences(view)}${view.principal && account(view)}</footer>
<div id="said" class="unseen" role="status" aria-live="polite"></div>
${help(view)}</body></html>
`;
}

/** Pages of a place that are not below it. */
const partOf: Readonly<Record<string, string>> = {
  '/calendar': '/triggers',
  '/plans': '/pipelines',
  '/audit': '/settings',
};

function navigation({ t, here }: View): Html {
  const [path = '/'] = here.split('?');
  const places = [
    ['/', t.nav.overview],
    ['/runs', t.nav.runs],
    ['/triggers', t.nav.triggers],
    ['/pipelines', t.nav.pipelines],
    ['/alerts', t.nav.alerts],
    ['/messages', t.nav.messages],
    ['/settings', t.nav.settings],
  ] as const;
  return html`<nav aria-label="${t.nav.label}"><ul>${places.map(([to, name]) => {
    const isPart = (to !== '/' && path.startsWith(`${to}/`)) || partOf[`/${path.split('/')[1]}`] === to;
    const isHere = path === to ? 'page' : isPart ? 'true' : undefined;
    return html`<li><a href="${to}"${isHere && html` aria-current="${isHere}"`}>${name}</a></li>`;
  })}</ul></nav>`;
}

const search = ({ t }: View): Html =>
  html`<form role="search" action="/runs"><input type="search" id="search" name="q" maxlength="200" aria-label="${t.search}" placeholder="${t.search}"><button>${t.find}</button></form>`;

/** Language and colours, as forms that work without the module. */
const preferences = ({ t, language, theme, clock, here }: View): Html =>
  html`<form class="quiet" method="post" action="/preferences"><input type="hidden" name="to" value="${here}">
<fieldset><legend>${t.language}</legend>${languages.map(
    (each) =>
      html`<button name="language" value="${each}" lang="${each}" aria-pressed="${each === language ? 'true' : 'false'}">${languageNames[each]}</button>`,
  )}</fieldset>
<fieldset><legend>${t.colours}</legend>${themes.map(
    (each) =>
      html`<button name="theme" value="${each}" aria-pressed="${each === theme ? 'true' : 'false'}">${t.themes[each]}</button>`,
  )}</fieldset>
<fieldset><legend>${t.times}</legend>${clocks.map(
    (each) =>
      html`<button name="clock" value="${each}" aria-pressed="${each === clock ? 'true' : 'false'}">${t.clocks[each]}</button>`,
  )}</fieldset></form>`;

const account = ({ t, principal }: View): Html =>
  html`<form class="quiet" method="post" action="/logout"><span>${t.loggedInAs} <b>${bounded(principal?.name ?? '', 60)}</b></span>${principal?.token !== undefined && html` <button>${t.logout}</button>`}</form>`;

function help({ t }: View): Html {
  const keys = [
    ['/', t.keys.search],
    ['g o', t.nav.overview],
    ['g r', t.nav.runs],
    ['g t', t.nav.triggers],
    ['g p', t.nav.pipelines],
    ['j k', t.keys.rows],
    ['Enter', t.keys.open],
    ['c', t.keys.cancel],
    ['?', t.keys.help],
  ] as const;
  return html`<dialog id="help" aria-labelledby="help-title"><h2 id="help-title">${t.keys.title}</h2><dl>${keys.map(
    ([key, says]) => html`<dt>${key.split(' ').map((each) => html`<kbd>${each}</kbd>`)}</dt><dd>${says}</dd>`,
  )}</dl><form method="dialog"><button>${t.close}</button></form></dialog>`;
}
