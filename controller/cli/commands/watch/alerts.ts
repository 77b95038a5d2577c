import { byCommand } from '../../../app/new-run.ts';
import { type AlertDocument, alertDocument } from '../../../app/views/alerts.ts';
import { openProject, withStore } from '../../../app/wiring.ts';
import { rejected } from '../../../lib/errors.ts';
import { call } from '../../../server/client/client.ts';
import { serverAt } from '../../../server/client/reader.ts';
import { alertCalls } from '../../../server/routes/watch/alerts.ts';
import { columns, exit, type Output } from '../../view/output.ts';

interface AlertsOptions {
  readonly all?: boolean;
  readonly limit: number;
  readonly server?: string;
}

/** `sluice alerts`, and `sluice alerts acknowledge ID`. */
export async function alerts(
  output: Output,
  action: string | undefined,
  id: string | undefined,
  options: AlertsOptions,
): Promise<number> {
  if (action === undefined) return list(output, options);
  if (action !== 'acknowledge')
    throw rejected(`there is no sluice alerts ${action}`, 'it is sluice alerts acknowledge ID');
  if (!/^[1-9]\d{0,14}$/.test(id ?? ''))
    throw rejected('sluice alerts acknowledge needs the id of an alert', '`sluice alerts` lists them');
  return acknowledge(output, Number(id), options);
}

async function list(output: Output, { all, limit, server }: AlertsOptions): Promise<number> {
  const found =
    server === undefined
      ? await withStore(await openProject(), (store) => store.alerts({ limit, ...(!all && { isOpen: true }) })).then(
          (each) => each.map(alertDocument),
        )
      : (
          await call(serverAt(server), alertCalls.listAlerts, {
            query: { limit: Math.min(limit, 200), ...(!all && { state: 'open' as const }) },
          })
        ).items;
  if (found.length === 0)
    output.line(all ? 'No alerts.' : 'No alerts last; `sluice alerts --all` lists those that have ended.');
  for (const line of columns(found.map(rowOf), [0])) output.line(line);
  output.document(found);
  return exit.ok;
}

const shown = (time: string | null): string => (time ?? '').slice(0, 16).replace('T', ' ');

const rowOf = ({ id, severity, began, ended, text, acknowledged }: AlertDocument): string[] => [
  String(id),
  severity,
  `${shown(began)}Z`,
  ended === null ? 'lasts' : `ended ${shown(ended)}Z`,
  text,
  acknowledged ? `acknowledged by ${acknowledged.by}` : '',
];

async function acknowledge(output: Output, id: number, { server }: AlertsOptions): Promise<number> {
  const done =
    server === undefined
      ? await withStore(await openProject(), async (store) => {
          const { now } = await store.vitals();
          await store.acknowledgeAlert(id, byCommand().by ?? 'sluice', now);
          const found = (await store.alerts({ before: id + 1, limit: 1 })).find((each) => each.id === id);
          if (!found) throw rejected(`there is no alert ${id}`, '`sluice alerts --all` lists them');
          if (!found.acknowledged) throw rejected(`alert ${id} has ended`);
          return alertDocument(found);
        })
      : await call(serverAt(server), alertCalls.acknowledgeAlert, { params: { id } });
  output.line(`alert ${id} is acknowledged by ${done.acknowledged?.by}: ${done.text}`);
  output.document(done);
  return exit.ok;
}
