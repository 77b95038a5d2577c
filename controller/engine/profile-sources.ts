import type { Cause } from '../domain/events.ts';
import type { Pipeline } from '../domain/pipeline.ts';
import type { PreviousRead, SourceReader } from '../domain/ports/source.ts';
import type { Profile } from '../domain/profile.ts';
import { renderSource } from '../pipeline/template.ts';
import { pendingFiles, triggerValues } from '../planning/trigger-values.ts';

/** The profiles of the last published run, by source, and whether to refresh them. */
export interface PreviousRun extends Omit<PreviousRead, 'pin'> {
  readonly profiles: Readonly<Record<string, Profile>>;
}

/**
 * Profiles all sources of a pipeline concurrently and reports each; throws the first error when all are done. The
 * first of `causes` fills in {{ CEL }} in their texts.
 */
export async function profileSources(
  reader: SourceReader,
  pipeline: Pipeline,
  { profiles, ...refresh }: PreviousRun,
  onProfiled: (name: string, profile: Profile, ms: number) => void,
  causes: readonly (Cause | undefined)[] = [],
  startedAt = Date.now(),
): Promise<Record<string, Profile>> {
  const started = performance.now();
  const values = triggerValues(causes[0], startedAt);
  const settled = await Promise.allSettled(
    Object.entries(pipeline.sources).map(async ([name, source]) => {
      const last = profiles[name];
      const pending = pendingFiles(causes, name);
      const rendered = renderSource(source, values);
      const wanted = pending.length === 0 ? rendered : { ...rendered, pending };
      const found = await reader.profile(name, wanted, last && { pin: last.pin, ...refresh });
      const profile = last ? { ...found, last: last.measures } : found;
      onProfiled(name, profile, performance.now() - started);
      return [name, profile] as const;
    }),
  );
  const failed = settled.find((each) => each.status === 'rejected');
  if (failed) throw failed.reason;
  return Object.fromEntries(settled.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : [])));
}
