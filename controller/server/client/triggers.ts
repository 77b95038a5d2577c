import type { TriggerOperations } from '../../app/triggers/operations.ts';
import { iso } from '../../lib/text.ts';
import { triggerActions } from '../routes/trigger-actions.ts';
import { triggerCalls } from '../routes/triggers.ts';
import { call, type ServerAddress } from './client.ts';

/** The operations on the triggers of a server. Who does them is its token. */
export function remoteTriggers(server: ServerAddress): TriggerOperations {
  const named = (pipeline: string, trigger: string) => ({ params: { pipeline, trigger } });
  return {
    list: async () => (await call(server, triggerCalls.listTriggers)).items,
    show: (pipeline, trigger, query) => call(server, triggerCalls.getTrigger, { ...named(pipeline, trigger), query }),
    why: (pipeline, trigger, instant) =>
      call(server, triggerCalls.explainFiring, { ...named(pipeline, trigger), query: { instant } }),
    pause: (pipeline, trigger, { reason, until }) => {
      const body = {
        ...(reason !== undefined && { reason }),
        ...(until !== undefined && { until: iso(until) as string }),
      };
      return call(server, triggerActions.pauseTrigger, { ...named(pipeline, trigger), body });
    },
    resume: (pipeline, trigger) => call(server, triggerActions.resumeTrigger, named(pipeline, trigger)),
    skip: async (pipeline, trigger) => (await call(server, triggerActions.skipOwed, named(pipeline, trigger))).skipped,
    reset: (pipeline, trigger) => call(server, triggerActions.resetTrigger, named(pipeline, trigger)),
    fire: (pipeline, trigger, { range, only, isDryRun, with: values }) => {
      const body = {
        ...(range && { from: iso(range.from) as string, to: iso(range.to) as string }),
        ...(only && { only }),
        ...(isDryRun && { dryRun: true }),
        ...(values && { with: { ...values } }),
      };
      return call(server, triggerActions.fireTrigger, { ...named(pipeline, trigger), body });
    },
    firings: async ({ limit, before: _, ...filter }) =>
      (await call(server, triggerCalls.listFirings, { query: { ...filter, limit: Math.min(limit, 200) } })).items,
  };
}
