import { existsSync } from 'node:fs';
import { realpath } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { postgresStore } from '../adapters/store/postgres/store.ts';
import { sqliteStore } from '../adapters/store/sqlite/store.ts';
import { postgresAddress } from '../config/addresses.ts';
import { type Project, postgresPasswordFile } from '../config/project.ts';
import type { RunStore } from '../domain/ports/store.ts';

/** The run store of a project without a PostgreSQL server. */
const embeddedFile = ({ home }: Project): string => join(home, 'store.db');

/**
 * The run store that conf/ names: a SQLite file or a PostgreSQL server. Undefined when it names none and there is no
 * server; the caller then uses an embedded store. Throws a rejected SluiceError for a misconfigured address.
 */
export function namedStore(project: Project): { file: string } | ReturnType<typeof postgresAddress> | undefined {
  const { sqlite, ...server } = project.connections.store;
  if (sqlite !== undefined) return { file: resolve(project.root, sqlite) };
  if (Object.keys(server).length > 0) return postgresAddress(project, server);
  const hasServer = project.stack.elsewhere.postgres !== undefined || existsSync(postgresPasswordFile(project.home));
  return hasServer ? postgresAddress(project, { database: 'sluice' }) : undefined;
}

/** Whether opening the store creates no file. */
export function hasStore(project: Project): boolean {
  const place = namedStore(project);
  return place === undefined ? existsSync(embeddedFile(project)) : !('file' in place) || existsSync(place.file);
}

/** Opens the run store of a project. An embedded store with runs stays in use until conf/ names another. */
export async function openStore(project: Project): Promise<RunStore> {
  // Earlier versions filed runs under the project's home, and still earlier ones under an empty name.
  const owner = { name: project.name, formerly: [project.home, await realpath(project.home), ''] };
  const place = namedStore(project);
  if (place === undefined) return sqliteStore(embeddedFile(project), owner);
  if ('file' in place) return sqliteStore(place.file, owner);
  if (Object.keys(project.connections.store).length === 0 && existsSync(embeddedFile(project))) {
    const embedded = await sqliteStore(embeddedFile(project), owner);
    if ((await embedded.list({ limit: 1 })).length > 0) return embedded;
    await embedded.close();
  }
  return postgresStore(place, owner);
}
