import type { Pipeline } from '../domain/pipeline.ts';
import type { Earlier, SourceProbe } from '../domain/ports/source.ts';
import type { Profile } from '../domain/profile.ts';

/** What the last published run has measured, by source, and what is to be done about what it has read. */
export interface Last extends Omit<Earlier, 'pin'> {
  readonly profiles: Readonly<Record<string, Profile>>;
}

/** Measures all sources of a pipeline side by side, telling of each as it is done; when all are, throws the first error. */
export async function profileAll(
  probe: SourceProbe,
  pipeline: Pipeline,
  { profiles, ...how }: Last,
  told: (name: string, profile: Profile, ms: number) => void,
): Promise<Record<string, Profile>> {
  const started = performance.now();
  const settled = await Promise.allSettled(
    Object.entries(pipeline.sources).map(async ([name, source]) => {
      const last = profiles[name];
      const found = await probe.profile(name, source, last && { pin: last.pin, ...how });
      const profile = last ? { ...found, last: last.measures } : found;
      told(name, profile, performance.now() - started);
      return [name, profile] as const;
    }),
  );
  const failed = settled.find((each) => each.status === 'rejected');
  if (failed) throw failed.reason;
  return Object.fromEntries(settled.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : [])));
}
