import { type Kinds, kindOf, type Pipeline, type Trigger } from '../../domain/pipeline.ts';
import { rejected } from '../../lib/errors.ts';
import { didYouMean } from '../../lib/suggest.ts';
import type { PollContext } from '../drivers.ts';

/** A check that a field of a trigger names a source of a kind. */
export const needsSource =
  (field: string, kind: string) =>
  (trigger: Trigger, { sources }: Pipeline, kinds: Kinds): { at: readonly string[]; message: string }[] => {
    const name = trigger[field];
    if (typeof name !== 'string') return [];
    const known = Object.keys(sources).filter((each) => kindOf(kinds.sources, sources[each] ?? {}).kind === kind);
    if (known.includes(name)) return [];
    const hint = didYouMean(name, known) || ` (known: ${known.join(', ') || 'none'})`;
    return [{ at: [field], message: `there is no ${kind} source "${name}"${hint}` }];
  };

/** A source of a pipeline that a trigger watches. */
export async function watched(name: string, { sources, sourceKinds, ...context }: PollContext) {
  const source = sources[name];
  if (!source) throw rejected(`there is no source ${name}`);
  const watch = (await kindOf(sourceKinds, source).watch?.(context)) ?? {};
  return { source, watch };
}
