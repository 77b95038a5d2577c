import { SluiceError } from '../../../lib/errors.ts';
import { within } from '../../../lib/within.ts';
import type { Api } from '../../http/api.ts';
import { type AnyRoute, type Principal, route } from '../../http/route.ts';
import { exposed, mediaType } from '../../metrics/exposition.ts';
import { familiesOf, type Told } from '../../metrics/families.ts';
import { processFamilies } from '../../metrics/process.ts';
import { sees } from '../shared.ts';

/** How long the store may take. Prometheus itself waits for 10 s. Milliseconds. */
const storeMs = 5000;
const mostAlerts = 10_000;

/** What the store tells, of the pipelines that the principal sees; undefined when it is away. */
async function toldOf(
  { store, triggers, watched, promises, channels }: Api,
  principal: Principal,
): Promise<Told | undefined> {
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
    if (error instanceof SluiceError && error.kind !== 'rejected') return undefined;
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
    // Those of messages are for whoever sees all pipelines, as the totals of messages are.
    channels: sees(principal, '') ? channels : [],
  };
}

/** Whether the gateway to Spark answers; undefined when no pipeline needs it, or that is not known without the store. */
async function gatewayOf(api: Api): Promise<boolean | undefined> {
  const answer = await within(
    storeMs,
    api.gateway().then(
      (gateway) => ({ isUp: gateway && gateway.problem === undefined }),
      () => ({ isUp: undefined }),
    ),
  );
  return answer ? answer.isUp : false;
}

const getMetrics = route({
  name: 'getMetrics',
  method: 'GET',
  path: '/metrics',
  isRoot: true,
  isWithoutStore: true,
  scope: 'read',
  summary: 'Metrics in the text format of Prometheus. Those of the store are the same on every server',
  also: { 'text/plain': 'The metrics' },
  example: {},
  async handler({ api, principal }) {
    const [told, gateway] = await Promise.all([toldOf(api, principal), gatewayOf(api)]);
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
        isGatewayUp: gateway,
        streams: api.hub.size,
        loopLag: api.loopLag.read(),
        looks: api.looks.of(told?.triggers.filter(({ state }) => state !== 'paused' && state !== 'gone') ?? []),
      }),
      ...(told ? familiesOf(told) : []),
      ...api.requests.families(),
      api.storeTimes.family(),
    ];
    return new Response(exposed(families), { headers: { 'content-type': mediaType, 'cache-control': 'no-store' } });
  },
});

/** The metrics of the server. */
export const metricsRoutes: readonly AnyRoute[] = [getMetrics] as never;
