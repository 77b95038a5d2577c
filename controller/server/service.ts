import { randomBytes } from 'node:crypto';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Registry } from '../adapters/drivers.ts';
import type { WatchedPipeline } from '../app/pipelines/watched.ts';
import { makePlan, planDocument } from '../app/requests/plan.ts';
import { takeRepairedRows } from '../app/requests/replay.ts';
import type { Sluice } from '../app/sluice.ts';
import { calendarOf } from '../app/triggers/calendar.ts';
import { triggerOperations } from '../app/triggers/operations.ts';
import { namedTriggers } from '../app/triggers/overview.ts';
import { logLines } from '../app/views/log.ts';
import { promisesOf } from '../app/views/promises.ts';
import { lineageDocument } from '../app/views/telemetry.ts';
import { adaptersOf, backendsOf, folderOf } from '../app/wiring.ts';
import type { Project } from '../config/project.ts';
import { secretsOf } from '../config/secrets.ts';
import type { RunStore } from '../domain/ports/store.ts';
import type { RunState } from '../domain/state.ts';
import { atMostEvery } from '../lib/at-most-every.ts';
import { version } from '../lib/env.ts';
import { inTurn } from '../lib/in-turn.ts';
import { redactor } from '../lib/redact.ts';
import { below } from '../lib/uri.ts';
import { status } from '../stack/stack.ts';
import type { Api } from './http/api.ts';
import { LoopLag } from './metrics/loop-lag.ts';
import { RequestTimes } from './metrics/request-times.ts';
import { FeedHub } from './streams/hub.ts';

/** How often the gateway to Spark is asked. Milliseconds. */
const gatewayMs = 10_000;
/** How often promises are judged for requests. Milliseconds. */
const promisesMs = 10_000;

/** The services behind the routes, of a controller of a project. */
export async function apiOf(
  project: Project,
  sluice: Sluice,
  store: RunStore,
  watched: () => Promise<readonly WatchedPipeline[]>,
  registry: Registry,
  measured: Pick<Api, 'storeTimes' | 'looks'>,
): Promise<Api> {
  const adapters = adaptersOf(project, registry);
  const backends = await backendsOf(project, registry);
  const redact = redactor(secretsOf(project));

  /** Takes the rows of a body by way of a file. */
  async function repair(state: RunState, source: string | undefined, csv: Uint8Array): Promise<number> {
    const { scratch } = adapters.context;
    await mkdir(scratch, { recursive: true });
    const file = join(scratch, `repaired-${randomBytes(6).toString('hex')}.csv`);
    try {
      await writeFile(file, csv, { mode: 0o600 });
      const sayIt = (name: string): string => `?source=${name}`;
      const pipeline = state.pipeline?.name ?? '';
      return await takeRepairedRows(adapters, state, { source, file, pipeline, sayIt }, () => undefined);
    } finally {
      await rm(file, { force: true });
    }
  }

  return {
    project: project.name,
    version,
    store,
    hub: new FeedHub(store),
    requests: new RequestTimes(),
    ...measured,
    loopLag: new LoopLag(),
    channels: [...registry.notifiers, ...registry.telemetry].map(({ kind }) => kind),
    now: () => Math.round(sluice.now()),
    owner: () => sluice.controller.owner,
    watched,
    triggers: triggerOperations(store, watched, { ...adapters.context, sourceKinds: registry.sources }),
    calendar: inTurn(async (range) => calendarOf(store, namedTriggers(await watched()), range)),
    pipelines: async () => (await watched()).flatMap(({ loaded }) => loaded ?? []),
    start: (loaded, { again, ...rest }) => sluice.startRun(loaded, { ...rest, ...(again && { again }), detach: true }),
    freeOrphan: (run) => sluice.freeOrphan(run),
    repair,
    plan: async (loaded, isFullRefresh) =>
      planDocument(
        loaded,
        await makePlan(project, loaded, (work) => work(store), {
          isFullRefresh,
          onMeasured: () => undefined,
          registry,
        }),
      ) as never,
    lineage: async (history) => (await lineageDocument(adapters, history)) as never,
    logLines: async (attempt) => (await logLines(backends, attempt)).map(redact),
    fileOfRun: async (run, uri) =>
      below(uri) === uri && uri.startsWith(`${folderOf(project, run)}/`)
        ? adapters.context.storage.local(uri)
        : undefined,
    promises: atMostEvery(promisesMs, async () => promisesOf(store, await watched())),
    gateway: atMostEvery(gatewayMs, async () =>
      sluice.gateway((await watched()).flatMap(({ loaded }) => loaded ?? [])),
    ),
    services: () => status(project),
  };
}
