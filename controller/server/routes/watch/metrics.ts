import { SluiceError } from '../../../lib/errors.ts';
import { within } from '../../../lib/within.ts';
import type { Api } from '../../http/api.ts';
import { type AnyRoute, type Principal, route } from '../../http/route.ts';
import { exposed, mediaType } from '../../metrics/exposition.ts';
import { familiesOf, processFamilies, type Told } from '../../metrics/families.ts';
import { sees } from '../shared.ts';

/** How long the store may take. Prometheus itself waits for 10 s. Milliseconds. */
const storeMs = 5000;
const mostAlerts = 10_000;

/** What the store tells, of the pipelines that the principal sees; undefined when it is away. */
async function toldOf({ store, triggers, watched, promises }: Api, principal: Principal): Promise<Told | undefined> {
  const seen = <T extends { readonly pipeline: string }>(all: readonly T[]): T[] =>
    all.filter(({ pipeline }) => sees(principal, pipeline));
  const asked = Promise.all([
    store.vitals(),
    triggers.list(),
    store.controllers(),
    watched(),
    store.alerts({ isOpen: true, limit: mostAlerts }),
    promises(),
  ]).catch((error: unknown) => {
    if (error instanceof SluiceError && error.kind === 'unavailable') return undefined;
    throw error;
  });
  const answer = await within(storeMs, asked);
  if (!answer) return undefined;
  const [vitals, listed, controllers, pipelines, alerts, promised] = answer;
  const { totals, open, ended, published, readings } = vitals;
  return {
    vitals: {
      ...vitals,
      ...{ totals: seen(totals), open: seen(open), ended: seen(ended), published: seen(published) },
      readings: seen(readings),
    },
    triggers: seen(listed),
    pipelines: pipelines.filter(({ name }) => sees(principal, name)),
    promises: seen(promised),
    alerts: alerts.filter(({ labels }) => sees(principal, labels.pipeline ?? '')),
    controllers: controllers.length,
  };
}

const getMetrics = route({
  name: 'getMetrics',
  method: 'GET',
  path: '/metrics',
  isRoot: true,
  scope: 'read',
  summary: 'Metrics in the text format of Prometheus. Those of the store are the same on every server',
  also: { 'text/plain': 'The metrics' },
  example: {},
  async handler({ api, principal }) {
    const [told, gateway] = await Promise.all([toldOf(api, principal), api.gateway()]);
    const { user, system } = process.cpuUsage();
    const families = [
      ...processFamilies({
        version: api.version,
        node: process.versions.node,
        tzdata: process.versions.tz ?? '',
        cpuSeconds: (user + system) / 1e6,
        residentBytes: process.memoryUsage.rss(),
        started: Math.round(performance.timeOrigin) / 1000,
        isStoreUp: told !== undefined,
        isGatewayUp: gateway && gateway.problem === undefined,
      }),
      ...(told ? familiesOf(told) : []),
      api.requests.family(),
    ];
    return new Response(exposed(families), { headers: { 'content-type': mediaType, 'cache-control': 'no-store' } });
  },
});

/** The metrics of the server. */
export const metricsRoutes: readonly AnyRoute[] = [getMetrics] as never;
