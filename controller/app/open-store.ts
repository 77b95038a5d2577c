import { existsSync } from 'node:fs';
import { realpath } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { postgresStore } from '../adapters/store/postgres/store.ts';
import { sqliteStore } from '../adapters/store/sqlite/store.ts';
import { postgresAddress } from '../config/addresses.ts';
import { type Project, postgresPasswordFile } from '../config/project.ts';
import type { RunStore } from '../domain/ports/store.ts';

/** Where a project without a PostgreSQL server keeps its runs. */
const embeddedFile = ({ home }: Project): string => join(home, 'store.db');

/**
 * Where conf/ says that runs are kept: a SQLite file or a PostgreSQL server. Undefined when it says nothing and there is no
 * server: then an embedded store is made. Throws a rejected SluiceError for an address that cannot be kept to.
 */
export function namedStore(project: Project): { file: string } | ReturnType<typeof postgresAddress> | undefined {
  const { sqlite, ...server } = project.connections.store;
  if (sqlite !== undefined) return { file: resolve(project.root, sqlite) };
  if (Object.keys(server).length > 0) return postgresAddress(project, server);
  const hasServer = project.stack.elsewhere.postgres !== undefined || existsSync(postgresPasswordFile(project.home));
  return hasServer ? postgresAddress(project, { database: 'sluice' }) : undefined;
}

/** Opens the run store of a project. A history that was begun in one kind of store goes on there until conf/ names another. */
export async function openStore(project: Project): Promise<RunStore> {
  // Runs of earlier versions belong to the project's home, and of still earlier ones to none.
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
