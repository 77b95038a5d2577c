import type { PollContext } from '../../../controller/adapters/drivers.ts';
import type { Due, DueFiring } from '../../../controller/adapters/firing.ts';
import { builtIn } from '../../../controller/app/registry.ts';
import { kindOf, type Pipeline, type Trigger } from '../../../controller/domain/pipeline.ts';
import type { TriggerState } from '../../../controller/domain/ports/triggers.ts';

/** The state of a trigger that was never paused. */
export const stateAt = (
  armed: number,
  now: number,
  cursor: unknown,
  more: Partial<TriggerState> = {},
): TriggerState => ({
  ...{ seq: 0, generation: 1, armed, now, cursor, pauses: [], resumed: undefined, waiting: 0, problem: undefined },
  ...more,
});

/** A trigger with the defaults of its kind. */
export function triggerOf(fields: object): Trigger {
  const { spec } = kindOf(builtIn.triggers, fields);
  return spec.parse(fields) as Trigger;
}

/** Polls a trigger at times, as a scheduler does: with its own cursor. `due` gives the firings that start a run. */
export function polled(
  fields: object,
  {
    armed = 0,
    sources = {},
    ...context
  }: Partial<PollContext> & { armed?: number; sources?: Pipeline['sources'] } = {},
) {
  const trigger = triggerOf(fields);
  const driver = kindOf(builtIn.triggers, trigger);
  let cursor: unknown;
  const memory = new Map<string, unknown>();
  const all: DueFiring[] = [];
  const at = async (now: number, more: Partial<TriggerState> = {}): Promise<Due> => {
    const named = { pipeline: 'p', trigger: 't', sources, sourceKinds: [], memory };
    const due = await driver.poll(trigger, stateAt(armed, now, cursor, more), { ...named, ...context } as never);
    ({ cursor } = due);
    all.push(...due.firings);
    return due;
  };
  const starts = async (now: number, more: Partial<TriggerState> = {}): Promise<string[]> =>
    (await at(now, more)).firings.filter(({ instead }) => !instead).map(({ key }) => key);
  return { at, starts, all, cursor: () => cursor };
}
