import { kindOf, type Trigger } from '../domain/pipeline.ts';
import type { RunStore } from '../domain/ports/store.ts';
import { reasonOf } from '../lib/errors.ts';
import type { Logger } from '../lib/logger.ts';
import type { LoadedPipeline } from '../pipeline/loader.ts';
import { newRunName } from './new-run.ts';
import type { Service } from './services.ts';
import type { Adapters } from './wiring.ts';

/**
 * Polls every trigger of these pipelines once and starts the due runs, without an owner: any free controller claims
 * them. Several controllers may call it concurrently. Returns the started runs. A failing trigger does not delay the
 * others.
 */
export async function fireTriggers(
  store: RunStore,
  adapters: Adapters,
  pipelines: readonly LoadedPipeline[],
  failed: (trigger: string, reason: string) => void,
): Promise<string[]> {
  const started: string[] = [];
  for (const loaded of pipelines)
    for (const [name, trigger] of Object.entries(loaded.pipeline.triggers ?? {}))
      try {
        started.push(...(await fireTrigger(store, adapters, loaded, name, trigger)));
      } catch (error) {
        failed(`${loaded.pipeline.name}.${name}`, reasonOf(error));
      }
  return started;
}

async function fireTrigger(
  store: RunStore,
  { registry, context }: Adapters,
  { file, pipeline }: LoadedPipeline,
  name: string,
  trigger: Trigger,
): Promise<readonly string[]> {
  const named = { pipeline: pipeline.name, trigger: name };
  const known = await store.trigger(named);
  const { kind, poll } = kindOf(registry.triggers, trigger);
  const { firings, cursor } = await poll(trigger, known, context);
  if (firings.length === 0 && JSON.stringify(cursor) === JSON.stringify(known.cursor)) return [];
  const starts = firings.map(({ key, due }) => {
    const run = newRunName(new Date(known.now));
    const cause = { kind, trigger: name, key };
    const events = [{ type: 'run-started' as const, run, pipeline, file, cause }];
    return { key, due, start: { run, pipeline: pipeline.name, at: known.now, events } };
  });
  // If another controller was first, the ledger has its firings.
  return (await store.fire(named, known, starts, cursor)) ?? [];
}

/** The service that fires the triggers of pipelines. It logs which there are, and which fail, whenever that changes. */
export function schedulerOf(
  current: () => Promise<readonly LoadedPipeline[]>,
  fire: (
    pipelines: readonly LoadedPipeline[],
    failed: (trigger: string, reason: string) => void,
  ) => Promise<readonly string[]>,
  logger: Logger,
): Service {
  let before: string | undefined;
  let problems = new Map<string, string>();
  return {
    name: 'scheduler',
    everyMs: 1000,
    async work() {
      const pipelines = await current();
      const names = pipelines.flatMap(({ pipeline: { name, triggers = {} } }) =>
        Object.keys(triggers).map((trigger) => `${name}.${trigger}`),
      );
      const all = names.join(', ') || 'none';
      if (all !== before) logger.log('info', `triggers: ${all}`);
      before = all;
      const now = new Map<string, string>();
      const started = await fire(pipelines, (trigger, reason) => now.set(trigger, reason));
      for (const [trigger, reason] of now)
        if (problems.get(trigger) !== reason) logger.log('warn', `trigger ${trigger}: ${reason}`);
      for (const trigger of problems.keys())
        if (!now.has(trigger)) logger.log('info', `trigger ${trigger} works again`);
      problems = now;
      for (const run of started) logger.log('info', 'started by a trigger', { run });
    },
  };
}
