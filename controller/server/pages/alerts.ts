import { z } from 'zod';
import type { Alert } from '../../domain/alerts.ts';
import { html } from '../../lib/html.ts';
import { iso } from '../../lib/text.ts';
import { grants } from '../doors/authenticate.ts';
import type { AnyRoute } from '../http/route.ts';
import { alertCalls } from '../routes/watch/alerts.ts';
import { promiseCalls } from '../routes/watch/promises.ts';
import { acknowledgement, alertLine, alertsOf } from './blocks/alerts.ts';
import { promisesTable } from './blocks/promises.ts';
import { action, answerTo, noticed, page } from './frame/page.ts';
import type { View } from './frame/view.ts';
import { badge } from './parts/state.ts';
import { table } from './parts/table.ts';
import { ago } from './parts/time.ts';

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
