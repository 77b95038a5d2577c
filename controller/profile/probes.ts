import { existsSync } from 'node:fs';
import { addressesOf } from '../config/addresses.ts';
import { allowedIn, type Project } from '../config/project.ts';
import type { Source } from '../pipeline/schema.ts';
import { csvProbe } from './csv.ts';
import { kafkaProbe } from './kafka.ts';
import { upToBytes } from './keep.ts';
import type { SourceProbe } from './port.ts';
import { postgresProbe } from './postgres.ts';

/** The probe of a project: hands each source to the adapter of its kind. With a folder it keeps there what it measures. */
export function probeOf(project: Project, scratch: string, folder?: string): SourceProbe {
  const keeping = folder === undefined ? undefined : { folder, upToBytes };
  const addresses = addressesOf(project);
  const csv = csvProbe({ root: project.root, scratch, keeping, allowed: allowedIn(project).paths });
  const kafka = kafkaProbe({ addressOf: addresses.kafka, scratch, keeping });
  const postgres = postgresProbe(addresses.postgres, scratch, keeping);
  const of = (source: Source): SourceProbe => ('csv' in source ? csv : 'kafka' in source ? kafka : postgres);
  return {
    profile: (name, source, earlier) => of(source).profile(name, source, earlier),
    holds: async (source, pin) =>
      pin.kept ? pin.kept.paths.every((path) => existsSync(path)) : of(source).holds(source, pin),
    async close() {
      await Promise.all([csv.close(), kafka.close(), postgres.close()]);
    },
  };
}
