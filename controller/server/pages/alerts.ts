import { z } from 'zod';
import type { Alert } from '../../domain/alerts.ts';
import { type Html, html } from '../../lib/html.ts';
import { iso } from '../../lib/text.ts';
import { alertText } from '../../messages/alert-notice.ts';
import { grants } from '../doors/authenticate.ts';
import type { AnyRoute } from '../http/route.ts';
import { type Asking, sees } from '../routes/shared.ts';
import { alertCalls } from '../routes/watch/alerts.ts';
import { promiseCalls } from '../routes/watch/promises.ts';
import { action, answerTo, noticed, page } from './frame/page.ts';
import type { View } from './frame/view.ts';
import { sendButton } from './parts/forms.ts';
import { promisesTable } from './parts/promises.ts';
import { badge } from './parts/state.ts';
import { table } from './parts/table.ts';
import { isolated, linkTo, pathTo } from './parts/text.ts';
import { ago } from './parts/time.ts';

/** The most alerts that are shown: of those that last, and of those that have ended. */
const mostOpen = 200;
const mostEnded = 50;

/** The alerts of pipelines that the principal sees, the newest first. */
export async function alertsOf({ api, principal }: Asking, isOpen: boolean): Promise<Alert[]> {
  const all = await api.store.alerts({ isOpen, limit: isOpen ? mostOpen : mostEnded });
  return all.filter(({ labels }) => sees(principal, labels.pipeline ?? ''));
}

/** An alert in a line: its text, and where it leads. */
export function alertLine(alert: Alert, { t, language }: View): Html {
  const { pipeline } = alert.labels;
  const text = isolated(alertText(alert, language), 400);
  const link = pipeline === undefined ? '' : html` ${linkTo(pathTo('pipelines', pipeline), t.run.pipeline)}`;
  return html`${text}${link}`;
}

/** Who knows of an alert, or a button that says that one does. */
export function acknowledgement({ id, acknowledged }: Alert, { t }: View, mayAcknowledge: boolean): Html | undefined {
  if (acknowledged) return html`<span class="faint">${t.alerts.acknowledgedBy} ${isolated(acknowledged.by, 60)}</span>`;
  return mayAcknowledge ? sendButton(`/alerts/${id}:acknowledge`, t.alerts.acknowledge) : undefined;
}

const rowOf = (alert: Alert, view: View, mayAcknowledge: boolean) => {
  const { t } = view;
  const { began, ended, severity } = alert;
  const last = ended === undefined ? acknowledgement(alert, view, mayAcknowledge) : ago(iso(ended));
  return [html`${badge(severity, t)} ${alertLine(alert, view)}`, ago(iso(began)), last];
};

const alertsPage = page({
  name: 'alertsPage',
  path: '/alerts',
  scope: 'read',
  summary: 'What is wrong, what was, and what pipelines promise',
  async content(asked, view) {
    const { t } = view;
    const a = t.alerts;
    const [open, ended, { items: promises }] = await Promise.all([
      alertsOf(asked, true),
      alertsOf(asked, false),
      answerTo(promiseCalls.listPromises, asked, {}),
    ]);
    const mayAcknowledge = grants(asked.principal, 'triggers:write');
    const body = html`<h1>${a.title}</h1>${table({
      id: 'open',
      caption: a.open,
      head: [a.alert, a.began, a.known],
      rows: open.map((each) => rowOf(each, view, mayAcknowledge)),
      empty: a.none,
    })}${promisesTable(promises, view)}${table({
      id: 'ended',
      caption: a.ended,
      head: [a.alert, a.began, a.over],
      rows: ended.map((each) => rowOf(each, view, false)),
      empty: a.noneEnded,
    })}`;
    return { title: a.title, body };
  },
});

const acknowledgeForm = action({
  name: 'acknowledgeAlertForm',
  path: '/alerts/{id}:acknowledge',
  scope: 'triggers:write',
  summary: 'Acknowledges an alert',
  params: { id: z.coerce.number().int().min(1).max(Number.MAX_SAFE_INTEGER) },
  async perform(asked) {
    await answerTo(alertCalls.acknowledgeAlert, asked, { params: asked.params });
    return noticed('/alerts', 'acknowledged');
  },
});

/** Alerts and promises. */
export const alertPages: readonly AnyRoute[] = [alertsPage, acknowledgeForm];
