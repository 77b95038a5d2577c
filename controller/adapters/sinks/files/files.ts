import { constants } from 'node:fs';
import { access, readdir, rm, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { openDuck } from '../../../clients/duckdb.ts';
import { asItIs, filesLiteral, identifier } from '../../../clients/sql.ts';
import type { PublishedOutput } from '../../../domain/events.ts';
import type { Publisher, Staged } from '../../../domain/ports/sink.ts';
import type { Storage } from '../../../domain/ports/storage.ts';
import { rejected, unwritable } from '../../../lib/errors.ts';
import { checkShape, checkUnique } from '../shape.ts';
import {
  addVersion,
  currentOf,
  follow,
  pointTo,
  published,
  removeOldVersions,
  stagingFolder,
  takeFolder,
  versionsOf,
} from './folder.ts';

/** Versions of a result that are kept: the one that readers see and those before it. */
const keptVersions = 3;

/**
 * Parquet and CSV in a folder: TARGET/versions/FENCE-KEY/VIEW/part-*. TARGET/_current.json names the published version and is
 * replaced by compare-and-swap; TARGET/current, a link for local readers, follows it by one rename, so that a reader sees the
 * old version or the new one. Locations are relative to `root`. A folder that is not Sluice's is refused.
 */
export function filePublisher(root: string, scratch: string, storage: Storage): Publisher {
  return {
    async prepare({ target }) {
      try {
        await takeFolder(target);
        await access(target, constants.W_OK);
      } catch (error) {
        throw unwritable(target, error);
      }
    },

    async audit({ kind, target, key, views, mayChange }) {
      const versions = await readdir(versionsOf(target)).catch(() => []);
      if (versions.some((version) => version.endsWith(`-${key}`))) return;
      const duck = await openDuck(scratch, [target]);
      try {
        for (const { view, place, rows, unique } of views) {
          const staged = await reader(kind, place);
          const [counted] = staged === undefined ? [] : await duck.rows(`SELECT count(*) AS n FROM ${staged}`);
          const found = Number(counted?.n ?? 0);
          if (found !== rows)
            throw rejected(`${view}: ${found} rows are staged in ${place}, and the runner wrote ${rows}`);
          const published = await reader(kind, join(currentOf(target), view));
          if (staged === undefined) continue;
          if (published !== undefined && !mayChange)
            checkShape(view, await duck.columns(published), await duck.columns(staged));
          if (unique === undefined) continue;
          const [repeated] = await duck.rows(
            `SELECT ${identifier(unique)} AS value, count(*) AS times FROM ${staged} GROUP BY 1 HAVING count(*) > 1 LIMIT 1`,
          );
          checkUnique(view, unique, repeated as never);
        }
      } finally {
        await duck.close();
      }
    },

    async publish(staged, fence) {
      const { target, key, views, kind } = staged;
      const version = `${String(fence).padStart(10, '0')}-${key}`;
      try {
        await takeFolder(target);
      } catch (error) {
        throw unwritable(target, error);
      }
      const outputs = views.map<PublishedOutput>(({ view, rows }) => ({
        view,
        kind,
        rows,
        where: relative(root, join(currentOf(target), view)),
      }));
      try {
        for (;;) {
          const { version: current, pointer } = await published(storage, target);
          if (current === version) break;
          const isThere = await exists(join(versionsOf(target), version));
          if (current !== undefined && Number(current.split('-', 1)[0]) > fence) {
            // It was published, and a later run's result has taken its place since.
            if (isThere) break;
            throw rejected(
              `${target} already shows a later run's result (${current}); this one is not published over it`,
            );
          }
          if (!isThere) await addVersion(target, key, version);
          if (await pointTo(storage, target, version, pointer)) break;
        }
        await follow(storage, target, key);
      } catch (error) {
        throw unwritable(target, error);
      }
      await removeOldVersions(storage, target, keptVersions);
      return outputs;
    },

    async discard({ target, key }) {
      const folder = stagingFolder(target, key);
      if (!(await exists(folder))) return;
      try {
        await rm(folder, { recursive: true, force: true });
      } catch (error) {
        throw unwritable(folder, error);
      }
    },
  };
}

/** The rows of a view's folder for DuckDB; undefined when there are no files. */
async function reader(kind: Staged['kind'], place: string): Promise<string | undefined> {
  const files = (await readdir(place).catch(() => [])).filter((name) => name.startsWith('part-'));
  if (files.length === 0) return undefined;
  const pattern = filesLiteral(place, 'part-*');
  return kind === 'parquet'
    ? `read_parquet(${pattern}, ${asItIs})`
    : `read_csv(${pattern}, header=true, all_varchar=true, quote='"', escape='"', delim=',', ${asItIs})`;
}

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );
