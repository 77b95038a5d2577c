import type { AlertCase, Severity } from '../domain/alerts.ts';
import { type AlertName, keyOfAlert, type Telling } from '../domain/alerts.ts';
import { iso } from '../lib/text.ts';
import { alertWords } from './alert-words.ts';
import { bounded, type Notice } from './notice.ts';
import { type Language, words } from './words.ts';

/** The longest text of an alert, which may quote an error. Characters. */
const longest = 500;

/** An alert in a sentence. One of a later version has only its name and labels. */
export function alertText({ name, labels, facts }: AlertCase, language: Language): string {
  const say = alertWords[language].alerts[name as AlertName];
  return bounded(say ? say({ ...labels, ...facts }) : `${name} ${Object.values(labels).join(' ')}`, longest);
}

const dataOf = ({ alert, is }: Telling, at: number) => ({
  ...{ alert: alert.name, severity: alert.severity, labels: alert.labels, facts: alert.facts },
  ...{ text: alertText(alert, 'en'), began: iso(alert.began), ended: is === 'ends' ? iso(at) : null },
});

const eventOf = (is: Telling['is']): string => (is === 'ends' ? 'recovered' : 'alert');
const severityOf = (severity: Severity, is: Telling['is']): Notice['severity'] => (is === 'ends' ? 'info' : severity);

/** The notice of an alert at a time. */
export function noticeOfAlert(project: string, telling: Telling, at: number, language: Language): Notice {
  const { alert, is } = telling;
  const { name, labels, severity, began } = alert;
  const t = alertWords[language];
  const title = t.alertIs[is](alertText(alert, language));
  const facts = Object.entries({ ...labels, ...alert.facts }).map(([key, value]): [string, string] => [
    key,
    String(value),
  ]);
  return {
    key: ['alert', project, keyOfAlert(alert), began, is, is === 'begins' ? began : at].join('\n'),
    ...{ event: eventOf(is), severity: severityOf(severity, is), at, project, pipeline: labels.pipeline, title },
    blocks: [
      { kind: 'lead', text: title },
      {
        kind: 'facts',
        rows: [
          [t.severity, t.severities[severity]],
          [t.since, iso(began) ?? ''],
          ...(is === 'ends' ? [[t.until, iso(at) ?? ''] as const] : []),
          ...facts,
        ],
      },
      { kind: 'log', title: words[language].further, lines: ['sluice alerts'] },
    ],
    incident: { name, labels, severity, began, isOver: is === 'ends' },
    data: dataOf(telling, at),
  };
}

/** One notice of several alerts with the same name that begin, last or end together. */
export function noticeOfAlerts(
  project: string,
  tellings: readonly [Telling, ...Telling[]],
  at: number,
  language: Language,
): Notice {
  const [{ alert, is }] = tellings;
  const t = alertWords[language];
  const title = t.manyAlerts[is](alert.name, tellings.length);
  const rows = tellings.slice(0, 100).map((each) => [alertText(each.alert, language), iso(each.alert.began) ?? '']);
  const more =
    tellings.length > rows.length ? [[`${words[language].others}: ${tellings.length - rows.length}`, '']] : [];
  return {
    key: ['alerts', project, alert.name, is, at, ...tellings.map((each) => keyOfAlert(each.alert))].join('\n'),
    ...{ event: eventOf(is), severity: severityOf(alert.severity, is), at, project, title },
    blocks: [
      { kind: 'table', title, head: ['', t.since], rows: [...rows, ...more] },
      { kind: 'log', title: words[language].further, lines: ['sluice alerts'] },
    ],
    data: { alerts: tellings.slice(0, 100).map((each) => dataOf(each, at)) },
  };
}
