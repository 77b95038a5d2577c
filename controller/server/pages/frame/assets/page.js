// @ts-check
/** What pages do beyond links and forms: times, keys, questions before an action, and following what changes. */

const { lang, dataset: page } = document.documentElement;
const units = /** @type {const} */ ([
  ['day', 86400],
  ['hour', 3600],
  ['minute', 60],
]);
const relative = new Intl.RelativeTimeFormat(lang, { numeric: 'auto' });
/** The form of the server's times, which every language reads: 2026-11-24 06:00:00. */
const local = new Intl.DateTimeFormat('sv', { dateStyle: 'short', timeStyle: 'medium' });

/** @param {Date} date */
function distance(date) {
  const seconds = (date.getTime() - Date.now()) / 1000;
  const [unit, size] = units.find(([, each]) => Math.abs(seconds) >= each) ?? ['second', 1];
  return relative.format(Math.round(seconds / size), unit);
}

function showTimes() {
  for (const time of document.querySelectorAll('time')) {
    const date = new Date(time.dateTime);
    if ('date' in time.dataset || Number.isNaN(date.getTime())) continue;
    const utc = `${date.toISOString().slice(0, 19).replace('T', ' ')} UTC`;
    const shown = page.clock === 'utc' ? utc : local.format(date);
    const isRelative = 'relative' in time.dataset;
    time.textContent = isRelative ? distance(date) : shown;
    time.title = isRelative && page.clock !== 'utc' ? `${shown} (${utc})` : utc;
  }
}

/** @param {string} text */
function say(text) {
  const said = document.getElementById('said');
  if (said && said.textContent !== text) said.textContent = text;
}

/** Reads the page again, and swaps the parts that have changed. What has the focus keeps it. */
async function refresh() {
  const answer = await fetch(location.href, { headers: { accept: 'text/html' }, redirect: 'manual' });
  // The session has ended: the login comes next.
  if (answer.type === 'opaqueredirect') location.reload();
  if (!answer.ok) return;
  const next = new DOMParser().parseFromString(await answer.text(), 'text/html');
  for (const part of document.querySelectorAll('[data-live]')) {
    const fresh = next.getElementById(part.id);
    // Times are shown in another way than they are sent.
    if (!fresh || fresh.outerHTML === sent.get(part.id)) continue;
    sent.set(part.id, fresh.outerHTML);
    const { activeElement } = document;
    const at = part.contains(activeElement)
      ? [...part.querySelectorAll('a,button,input,summary')].indexOf(/** @type {Element} */ (activeElement))
      : -1;
    const open = [...part.querySelectorAll('details')].map((each) => each.open);
    const scrolled = part.querySelector('.scroll')?.scrollLeft ?? 0;
    part.replaceWith(fresh);
    for (const [i, each] of [...fresh.querySelectorAll('details')].entries()) each.open = open[i] ?? each.open;
    fresh.querySelector('.scroll')?.scrollTo({ left: scrolled });
    const focusable = /** @type {NodeListOf<HTMLElement>} */ (fresh.querySelectorAll('a,button,input,summary'));
    if (at >= 0) (focusable[at] ?? document.getElementById('main'))?.focus({ preventScroll: true });
    if ('says' in fresh.dataset) say(fresh.dataset.says ?? '');
  }
  document.title = next.title;
  showTimes();
}
/** The parts as the server sent them. */
const sent = new Map([...document.querySelectorAll('[data-live]')].map((part) => [part.id, part.outerHTML]));

/** @param {number} ms */
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * Follows a stream of events while the page is seen, as a browser has few connections to a server.
 * @param {string} from
 * @param {(event: string, data: string) => void} onEvent also gets `begin` for each connection
 */
async function follow(from, onEvent) {
  let last = '';
  for (;;) {
    if (document.hidden)
      await new Promise((resolve) => document.addEventListener('visibilitychange', resolve, { once: true }));
    const leaving = new AbortController();
    const leave = () => document.hidden && leaving.abort();
    document.addEventListener('visibilitychange', leave);
    try {
      const headers = { accept: 'text/event-stream', ...(last !== '' && { 'last-event-id': last }) };
      const answer = await fetch(from, { headers, signal: leaving.signal });
      if (answer.status === 401) return location.reload();
      if (!answer.ok || !answer.body) throw new Error(String(answer.status));
      onEvent('begin', '');
      let text = '';
      const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
      for (let part = await reader.read(); !part.done; part = await reader.read()) {
        text += part.value;
        const messages = text.split('\n\n');
        text = messages.pop() ?? '';
        for (const message of messages) {
          last = /^id: (.*)$/m.exec(message)?.[1] ?? last;
          const event = /^event: (.*)$/m.exec(message)?.[1];
          if (event !== undefined) onEvent(event, /^data: (.*)$/m.exec(message)?.[1] ?? '');
          if (event === 'end') return;
        }
      }
    } catch {
      if (!document.hidden) say(document.getElementById('main')?.dataset.away ?? '');
    } finally {
      document.removeEventListener('visibilitychange', leave);
    }
    await pause(2000);
  }
}

let isDue = false;
/** Several events within some time are one refreshment. @param {number} ms */
async function refreshSoon(ms) {
  if (isDue) return;
  isDue = true;
  await pause(ms);
  isDue = false;
  await refresh().catch(() => undefined);
}

/** Asks again for a part that is not ready. */
async function waitForParts() {
  while (document.querySelector('[data-poll]')) {
    await pause(1500);
    await refresh().catch(() => undefined);
  }
}

/** Without characters that change the direction of the text. @param {string} line */
const visible = (line) =>
  line
    .replaceAll('\t', '    ')
    .replace(/[\p{Cc}\p{Bidi_Control}]/gu, (each) => `\\u${each.charCodeAt(0).toString(16).padStart(4, '0')}`);

function followPage() {
  const { stream } = document.getElementById('main')?.dataset ?? {};
  // A page of many runs has many events, and costs the store more.
  if (stream !== undefined) {
    const ms = stream.includes('/runs/') ? 500 : 3000;
    void follow(stream, (event) => event !== 'begin' && void refreshSoon(ms));
  }
  const log = document.querySelector('[data-log]');
  if (log instanceof HTMLElement) followLog(log);
}

/** The level of a line of a log, after its time. */
const levelOf = /^(?:[\d[].{0,60}?)?\b(TRACE|DEBUG|INFO|WARN|ERROR|FATAL)\b/;
const shownBy = /** @type {Readonly<Record<string, string[]>>} */ ({
  warn: ['WARN', 'ERROR', 'FATAL'],
  error: ['ERROR', 'FATAL'],
});
/** The most lines of a log that the page keeps. */
const mostLines = 5000;

/**
 * Follows a log, and shows those of its lines that the filter lets through; one without a level goes on with the one
 * before, as the lines of a trace do. The server does the same.
 * @param {HTMLElement} log
 */
function followLog(log) {
  const filter = /** @type {HTMLFormElement | null} */ (document.querySelector('[data-filter]'));
  const level = /** @type {HTMLSelectElement | null} */ (filter?.querySelector('select') ?? null);
  let lines = (log.textContent ?? '').split('\n');
  let isNew = true;
  const draw = () => {
    const levels = shownBy[level?.value ?? ''];
    let isShown = !levels;
    const isAtEnd = log.scrollTop + log.clientHeight >= log.scrollHeight - 40;
    log.textContent = lines
      .filter((line) => {
        const found = levelOf.exec(line)?.[1];
        if (levels && found !== undefined) isShown = levels.includes(found);
        return isShown;
      })
      .map((line) => `${visible(line)}\n`)
      .join('');
    if (isAtEnd) log.scrollTop = log.scrollHeight;
  };
  filter?.querySelector('button')?.remove();
  filter?.addEventListener('submit', (event) => event.preventDefault());
  level?.addEventListener('change', () => {
    const here = new URL(location.href);
    here.searchParams.set('level', level.value);
    history.replaceState(null, '', here);
    draw();
  });
  void follow(log.dataset.log ?? '', (event, data) => {
    // Each connection begins with the whole log.
    if (event === 'begin') isNew = true;
    if (event !== 'lines') return;
    lines = [...(isNew ? [] : lines), ...JSON.parse(data)].slice(-mostLines);
    isNew = false;
    draw();
  });
}

/** Goes up or down in the first list of the page. @param {number} by */
function step(by) {
  const links = [...document.querySelectorAll('[data-list] tbody th a')].filter((each) => each instanceof HTMLElement);
  const at = links.findIndex((each) => each.closest('tr')?.contains(document.activeElement));
  links[Math.max(0, Math.min(links.length - 1, at + by))]?.focus();
}

const places = /** @type {Readonly<Record<string, string>>} */ ({
  o: '/',
  r: '/runs',
  t: '/triggers',
  p: '/pipelines',
});
let before = '';

/** @param {KeyboardEvent} event */
function onKey(event) {
  const { target, key } = event;
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (document.querySelector('dialog[open]')) return;
  if (target instanceof HTMLElement && target.closest('input,select,textarea')) return;
  const place = before === 'g' ? places[key] : undefined;
  before = key;
  if (place !== undefined) location.assign(place);
  else if (key === '/') document.getElementById('search')?.focus();
  else if (key === 'j' || key === 'k') step(key === 'j' ? 1 : -1);
  else if (key === '?') /** @type {HTMLDialogElement | null} */ (document.getElementById('help'))?.showModal();
  else if (key === 'c') /** @type {HTMLElement | null} */ (document.querySelector('[data-key="c"]'))?.focus();
  else return;
  event.preventDefault();
}

document.addEventListener('keydown', onKey);
document.addEventListener('submit', (event) => {
  const form = /** @type {HTMLFormElement} */ (event.target);
  const question = form.dataset.confirm;
  if (question !== undefined && !confirm(question)) event.preventDefault();
});
const onward = document.querySelector('a[data-continue]');
if (onward instanceof HTMLAnchorElement) location.replace(onward.href);
showTimes();
setInterval(showTimes, 30_000);
followPage();
void waitForParts();
