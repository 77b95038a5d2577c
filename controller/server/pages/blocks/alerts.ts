import type { Alert } from '../../../domain/alerts.ts';
import { type Html, html } from '../../../lib/html.ts';
import { alertText } from '../../../messages/alert-notice.ts';
import { type Asking, sees } from '../../routes/shared.ts';
import type { View } from '../frame/view.ts';
import { sendButton } from '../parts/forms.ts';
import { isolated, linkTo, pathTo } from '../parts/text.ts';

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
