import { setTimeout as sleep } from 'node:timers/promises';
import { messagesOfRun } from '../adapters/notifiers/outgoing.ts';
import type { Ports } from '../engine/ports.ts';
import { checkRows } from '../snapshot/row-checks.ts';
import { sourceReaderOf } from './adapters.ts';
import { engineFacts } from './engine-facts.ts';
import { shadowOf } from './shadow.ts';
import { telemetryOf } from './telemetry.ts';
import { type Adapters, folderOf, rowCheckOptionsOf, snapshotsIn, workspaceOf } from './wiring.ts';

type Shared = Pick<Ports, 'backend' | 'embedded' | 'publisher' | 'taskRunner' | 'store' | 'onUpdate'>;

/** The ports of one run: the shared ones and its own. */
export function portsOf(adapters: Adapters, shared: Shared, run: string, now: () => number): Omit<Ports, 'now'> {
  const { registry, context } = adapters;
  const { spark, mail } = context.project.connections;
  const folder = folderOf(context.project, run);
  const telemetry = telemetryOf(adapters, run);
  return {
    ...shared,
    sourceReader: sourceReaderOf(registry, { ...context, snapshots: snapshotsIn(context, folder) }),
    checkRows: (pipeline, profiles) => checkRows(pipeline, profiles, rowCheckOptionsOf(context, pipeline, folder)),
    workspace: workspaceOf(adapters, run),
    shadow: shadowOf(adapters, shared.embedded, shared.store, run),
    engines: (pipeline, profiles) => engineFacts(adapters, shared.store, pipeline, profiles),
    maximumApplications: spark.maximumApplications,
    report: async (name, state) =>
      (await import('../report/write.ts')).writeReport(context, registry.sinks, name, state, now()),
    messages: (name, state) =>
      messagesOfRun(registry.notifiers, name, state, { ...mail, project: context.project.name }),
    ...(telemetry && { telemetry }),
    sleep: (ms, signal) => sleep(ms, undefined, signal && { signal }).catch(() => undefined),
  };
}
