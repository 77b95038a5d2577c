import { addressesOf, type Project } from '../config/project.ts';
import type { Source } from '../pipeline/schema.ts';
import { csvProbe } from './csv.ts';
import { kafkaProbe } from './kafka.ts';
import type { SourceProbe } from './port.ts';
import { postgresProbe } from './postgres.ts';

/** The probe of a project: hands each source to the adapter of its kind. */
export function probeOf(project: Project, scratch: string): SourceProbe {
  const addresses = addressesOf(project);
  const csv = csvProbe({ root: project.root, scratch });
  const kafka = kafkaProbe({ brokersOf: addresses.brokers, scratch });
  const postgres = postgresProbe(addresses.postgres);
  const of = (source: Source): SourceProbe => ('csv' in source ? csv : 'kafka' in source ? kafka : postgres);
  return {
    profile: (name, source, previous) => of(source).profile(name, source, previous),
    sample: (name, source, n) => of(source).sample(name, source, n),
    holds: (source, pin) => of(source).holds(source, pin),
    async close() {
      await Promise.all([csv.close(), kafka.close(), postgres.close()]);
    },
  };
}
