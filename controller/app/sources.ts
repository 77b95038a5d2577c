import { existsSync } from 'node:fs';
import { csvProbe } from '../adapters/sources/csv/csv.ts';
import { kafkaProbe } from '../adapters/sources/kafka/kafka.ts';
import { postgresProbe } from '../adapters/sources/postgres/postgres.ts';
import { addressesOf } from '../config/addresses.ts';
import { allowedIn, type Project } from '../config/project.ts';
import type { Source } from '../domain/pipeline.ts';
import type { SourceProbe } from '../domain/ports/source.ts';
import { upToBytes } from '../snapshot/keep.ts';

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
