import type { Pipeline } from '../pipeline/schema.ts';
import type { Pin, Profile, SourceProbe } from './port.ts';

/** Measures all sources of a pipeline side by side, telling of each as it is done; when all are, throws the first error. */
export async function profileAll(
  probe: SourceProbe,
  pipeline: Pipeline,
  previous: Readonly<Record<string, Pin>>,
  told: (name: string, profile: Profile, ms: number) => void,
): Promise<Record<string, Profile>> {
  const started = performance.now();
  const settled = await Promise.allSettled(
    Object.entries(pipeline.sources).map(async ([name, source]) => {
      const profile = await probe.profile(name, source, previous[name]);
      told(name, profile, performance.now() - started);
      return [name, profile] as const;
    }),
  );
  const failed = settled.find((each) => each.status === 'rejected');
  if (failed) throw failed.reason;
  return Object.fromEntries(settled.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : [])));
}
