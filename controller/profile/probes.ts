import type { Project } from '../config/project.ts';
import { postgresAddress } from '../config/project.ts';
import type { Pipeline, Source } from '../pipeline/schema.ts';
import { csvProbe } from './csv.ts';
import { kafkaProbe } from './kafka.ts';
import type { Pin, Profile, SourceProbe } from './port.ts';
import { postgresProbe } from './postgres.ts';

/** The probe of a project: hands each source to the adapter of its kind. */
export function probeOf(project: Project, scratch: string): SourceProbe {
  const { connections, endpoints, root } = project;
  const csv = csvProbe({ root, scratch });
  const kafka = kafkaProbe({ brokersOf: (name) => connections.kafka[name]?.brokers ?? endpoints.kafka, scratch });
  const postgres = postgresProbe((name) => postgresAddress(project, connections.postgres[name] ?? {}));
  const of = (source: Source): SourceProbe => ('csv' in source ? csv : 'kafka' in source ? kafka : postgres);
  return {
    profile: (name, source, previous) => of(source).profile(name, source, previous),
    sample: (name, source, n) => of(source).sample(name, source, n),
    async close() {
      await Promise.all([csv.close(), kafka.close(), postgres.close()]);
    },
  };
}

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
