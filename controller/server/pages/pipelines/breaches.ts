import type { Alert } from '../../../domain/alerts.ts';
import { formatDuration } from '../../../lib/duration.ts';
import { type Html, html } from '../../../lib/html.ts';
import { iso } from '../../../lib/text.ts';
import type { Asking } from '../../routes/shared.ts';
import { alertLine } from '../blocks/alerts.ts';
import type { View } from '../frame/view.ts';
import { badge } from '../parts/state.ts';
import { table } from '../parts/table.ts';
import { moment } from '../parts/time.ts';

/** As many alerts of the project are looked at, and as many breaches are shown. */
const lookedAt = 500;
const shown = 20;

const isOfPromise = ({ name }: Alert): boolean => name === 'PromiseBroken' || name === 'PromiseAtRisk';

/** When promises of a pipeline were broken or at risk, the newest first; as far as the last alerts tell. */
export async function breachesOf({ api }: Asking, pipeline: string): Promise<Alert[]> {
  const all = await api.store.alerts({ limit: lookedAt });
  return all.filter((alert) => isOfPromise(alert) && alert.labels.pipeline === pipeline).slice(0, shown);
}

/** The times at which promises were not kept; nothing without any. */
export const breachesTable = (all: readonly Alert[], view: View): Html | false => {
  const { t } = view;
  return (
    all.length > 0 &&
    table({
      id: 'breaches',
      caption: t.alerts.breaches,
      head: [t.alerts.began, t.alerts.over, t.run.took, t.run.state, t.alerts.alert],
      rows: all.map((alert) => [
        moment(iso(alert.began)),
        alert.ended === undefined ? t.run.goesOn : moment(iso(alert.ended)),
        formatDuration((alert.ended ?? view.now) - alert.began),
        badge(alert.name === 'PromiseBroken' ? 'broken' : 'at-risk', t),
        html`${alertLine(alert, view)}`,
      ]),
      empty: '',
    })
  );
};
