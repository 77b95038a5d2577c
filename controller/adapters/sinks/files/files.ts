import { type Duck, openDuck } from '../../../clients/duckdb.ts';
import { asItIs, fileLiteral, identifier } from '../../../clients/sql.ts';
import type { PublishedOutput } from '../../../domain/events.ts';
import type { Publisher, Staged, StagedView } from '../../../domain/ports/sink.ts';
import type { Storage } from '../../../domain/ports/storage.ts';
import { rejected } from '../../../lib/errors.ts';
import { below, isFile, shownFrom } from '../../../lib/uri.ts';
import { partFiles } from '../../../snapshot/snapshot.ts';
import { checkSchemaCompatibility, checkUnique } from '../schema-compat.ts';
import {
  addVersion,
  currentOf,
  follow,
  hasVersion,
  pointTo,
  published,
  removeOldVersions,
  stagingFolder,
  takeFolder,
  versionOf,
  versionsIn,
  versionsOf,
} from './folder.ts';

/** Retained versions of a result: the published one and those before it. */
const keptVersions = 3;

/**
 * Parquet and CSV in a folder: TARGET/versions/RUN_NUMBER-KEY/VIEW/part-*. TARGET/_current.json names the published
 * version and is replaced by compare-and-swap. TARGET/current, a symlink for local readers, follows it by one rename: a
 * reader sees the old version or the new one. Locations are relative to `root`. A folder that does not belong to Sluice
 * is refused.
 */
export function filePublisher(root: string, scratch: string, storage: Storage): Publisher {
  return {
    prepare: ({ target }) => takeFolder(storage, target),

    async audit({ kind, target, key, views, mayChange }) {
      if ([...(await versionsIn(storage, target)).values()].includes(key)) return;
      const { version } = await published(storage, target);
      const all = await Promise.all(
        views.map(async (view) => ({
          view,
          staged: await partFiles(storage, view.place),
          before: version === undefined ? [] : await partFiles(storage, versionsOf(target, version, view.view)),
        })),
      );
      const duck = await openDuck(
        scratch,
        all.flatMap(({ staged, before }) => [...staged, ...before]),
      );
      try {
        for (const { view, staged, before } of all) {
          const [now, then] = [reader(kind, staged), reader(kind, before)];
          await auditView(duck, view, now, mayChange ? undefined : then);
        }
      } finally {
        await duck.close();
      }
    },

    async publish(staged, runNumber) {
      const { target, key, views, kind } = staged;
      const version = versionOf(runNumber, key);
      await takeFolder(storage, target);
      for (;;) {
        const { version: current, pointer } = await published(storage, target);
        if (current === version) break;
        const isThere = await hasVersion(storage, target, version);
        if (current !== undefined && Number(current.split('-', 1)[0]) > runNumber) {
          // This version was published, and a newer run has replaced it since.
          if (isThere) break;
          throw rejected(`${target} already shows the result of a newer run (${current})`);
        }
        if (!isThere) await addVersion(storage, target, key, version);
        if (await pointTo(storage, target, version, pointer)) break;
      }
      await follow(storage, target, key);
      await removeOldVersions(storage, target, keptVersions);
      // Local readers use the symlink, which always leads to the latest version.
      const shown = isFile(target) ? currentOf(target) : versionsOf(target, version);
      return views.map<PublishedOutput>(({ view, rows }) => ({
        view,
        kind,
        rows,
        where: shownFrom(root, below(shown, view)),
      }));
    },

    discard: ({ target, key }) => storage.remove(stagingFolder(target, key)),
  };
}

/** Compares a staged view with the rows that the runner counted, and with the published schema. */
async function auditView(
  duck: Duck,
  { view, place, rows, unique }: StagedView,
  staged: string | undefined,
  before: string | undefined,
): Promise<void> {
  const [counted] = staged === undefined ? [] : await duck.rows(`SELECT count(*) AS n FROM ${staged}`);
  const found = Number(counted?.n ?? 0);
  if (found !== rows) throw rejected(`${view}: ${found} rows are staged in ${place}, but the runner reported ${rows}`);
  if (staged === undefined) return;
  if (before !== undefined) checkSchemaCompatibility(view, await duck.columns(before), await duck.columns(staged));
  if (unique === undefined) return;
  const [repeated] = await duck.rows(
    `SELECT ${identifier(unique)} AS value, count(*) AS times FROM ${staged} GROUP BY 1 HAVING count(*) > 1 LIMIT 1`,
  );
  checkUnique(view, unique, repeated as never);
}

/** The DuckDB relation of these files; undefined when there are none. */
function reader(kind: Staged['kind'], files: readonly string[]): string | undefined {
  if (files.length === 0) return undefined;
  const list = `[${files.map(fileLiteral).join(', ')}]`;
  return kind === 'parquet'
    ? `read_parquet(${list}, ${asItIs})`
    : `read_csv(${list}, header=true, all_varchar=true, quote='"', escape='"', delim=',', ${asItIs})`;
}
