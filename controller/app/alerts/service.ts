import fetch from 'node-fetch';
import type { NotifierDriver } from '../../adapters/drivers.ts';
import { isQuiet } from '../../config/alerts.ts';
import type { Project } from '../../config/project.ts';
import type { AlertCase } from '../../domain/alerts.ts';
import { type Finding, judge, keyOfAlert } from '../../domain/alerts.ts';
import type { RunStore } from '../../domain/ports/store.ts';
import { milliseconds } from '../../lib/duration.ts';
import { reasonOf } from '../../lib/errors.ts';
import type { Logger } from '../../lib/logger.ts';
import { alertText } from '../../messages/alert-notice.ts';
import type { WatchedPipeline } from '../pipelines/watched.ts';
import { judgePromises } from '../promises/judge.ts';
import type { Service } from '../services.ts';
import type { TriggerDocument } from '../views/triggers.ts';
import { findingsOf } from './conditions.ts';
import { Recent } from './recent.ts';
import { messagesOf, recipientsOf } from './recipients.ts';
import { unusualRuns } from './unusual.ts';

/** How much longer than until the next judgement the role lasts without renewal. Milliseconds. */
const roleMs = 30_000;
/** The most alerts that last at the same time. */
const mostOpen = 10_000;
/** How long a watchdog may take to answer. Milliseconds. */
const heartbeatMs = 10_000;

export interface JudgeDeps {
  readonly project: Pick<Project, 'name' | 'connections'>;
  readonly store: RunStore;
  readonly notifiers: readonly NotifierDriver[];
  readonly pipelines: () => Promise<readonly WatchedPipeline[]>;
  readonly triggers: () => Promise<readonly TriggerDocument[]>;
  /** Why the gateway to Spark takes no work. */
  readonly gateway: () => Promise<string | undefined>;
  readonly owner: () => string;
  /** A clock that only goes forward, in milliseconds. */
  readonly monotonic: () => number;
  readonly logger: Logger;
}

/**
 * The service that judges what is wrong, and tells people and programs when it begins and when it ends. One controller
 * of the project does; what it knows beyond the store, it can do without.
 */
export function judgeService(deps: JudgeDeps): Service {
  const { project, store, notifiers, owner, monotonic, logger } = deps;
  const { alerts: settings, mail } = project.connections;
  const everyMs = milliseconds(settings.every);
  const retries = new Recent(({ name, pipeline }) => (name === 'retries' ? pipeline : undefined));
  const refused = new Recent(({ name, labels: [channel, state] }) =>
    name === 'messages' && state === 'refused' ? channel : undefined,
  );
  /** Since when a condition holds that does not count yet, by the monotonic clock. */
  let held = new Map<string, number>();
  const unusualOf = unusualRuns(store);
  const heartbeat = heartbeatOf(deps);
  /** When this process saw a pipeline first, by the store's clock. */
  const first = new Map<string, number>();
  const since =
    (now: number) =>
    (pipeline: string): number => {
      first.set(pipeline, Math.min(now, first.get(pipeline) ?? now));
      return first.get(pipeline) ?? now;
    };

  /** Those that have held long enough, or are alerts already. */
  function counted(found: readonly Finding[], open: ReadonlySet<string>): AlertCase[] {
    const before = held;
    held = new Map(found.map((each) => [keyOfAlert(each), before.get(keyOfAlert(each)) ?? monotonic()]));
    return found
      .filter((each) => {
        const key = keyOfAlert(each);
        return open.has(key) || monotonic() - (held.get(key) ?? 0) >= (each.forMs ?? 0);
      })
      .map(({ forMs: _, ...alert }) => alert);
  }

  return {
    name: 'alerts',
    everyMs,
    async work() {
      if (!(await store.claimRole('alerts', owner(), everyMs + roleMs))) return;
      const [vitals, triggers, pipelines, gateway, open] = await Promise.all([
        store.vitals(),
        deps.triggers(),
        deps.pipelines(),
        deps.gateway(),
        store.alerts({ isOpen: true, limit: mostOpen }),
      ]);
      const { now, totals } = vitals;
      const unusual = await unusualOf(vitals.ended);
      const promises = await judgePromises({ store, vitals, pipelines, since: since(now) });
      const found = findingsOf({
        ...{ vitals, triggers, pipelines, unusual, promises, gateway },
        ...{ retries: retries.add(now, totals), refused: refused.add(now, totals) },
      });
      const recipients = recipientsOf(
        project,
        pipelines.flatMap(({ loaded }) => loaded ?? []),
        notifiers,
      );
      const { changes, tellings } = judge({
        ...{ now, open, recipients, found: counted(found, new Set(open.map(keyOfAlert))) },
        isUndecided: ({ name }) =>
          (name === 'RetriesBurning' && !retries.isWhole(now)) || (name === 'MessagesRefused' && !refused.isWhole(now)),
        isQuiet: isQuiet(settings.quiet, now),
      });
      if (changes.length > 0) {
        const messages = messagesOf(tellings, recipients, now, { ...mail, project: project.name });
        if (!(await store.changeAlerts(now, changes, messages))) return;
        for (const change of changes) {
          if ('begins' in change) logger.log('warn', `alert: ${alertText(change.begins, 'en')}`);
          const ended = 'ends' in change && open.find(({ id }) => id === change.of.id);
          if (ended) logger.log('info', `alert ended: ${alertText(ended, 'en')}`);
        }
      }
      await heartbeat();
    },
  };
}

/** Tells the watchdog of conf/ that everything is judged, as often as conf/ says. */
function heartbeatOf({ project, monotonic, logger }: JudgeDeps): () => Promise<void> {
  const { heartbeat } = project.connections.alerts;
  let next = 0;
  return async () => {
    if (!heartbeat || monotonic() < next) return;
    next = monotonic() + milliseconds(heartbeat.every);
    try {
      const signal = AbortSignal.timeout(heartbeatMs);
      const { status } = await fetch(heartbeat.hook, { method: 'POST', redirect: 'manual', signal });
      if (status >= 300) logger.log('warn', `the watchdog of alerts.heartbeat answered ${status}`);
    } catch (error) {
      const { code } = error as { code?: string };
      logger.log('warn', `the watchdog of alerts.heartbeat is not reached: ${code ?? reasonOf((error as Error).name)}`);
    }
  };
}
