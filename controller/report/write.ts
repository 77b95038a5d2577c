import { lstat, rename, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Context, SinkDriver } from '../adapters/drivers.ts';
import { openDuck } from '../clients/duckdb.ts';
import type { Figure, PublishedOutput } from '../domain/events.ts';
import { outputsOf } from '../domain/outcome.ts';
import type { RunState } from '../domain/state.ts';
import { rejected, unwritable } from '../lib/errors.ts';
import { below, isFile, located, pathOf } from '../lib/uri.ts';
import { partFiles } from '../snapshot/snapshot.ts';
import { computeReport } from './data.ts';
import { reportPage } from './page.ts';

/** A written report: its page, the address for people, and the headline figures for the mail. */
export interface WrittenReport {
  readonly file: string;
  readonly url: string;
  readonly figures: readonly Figure[];
}

/**
 * Writes REPORTS/PIPELINE/RUN/index.html and its spreadsheets. On this machine, the symlink REPORTS/PIPELINE/latest
 * follows.
 */
export async function writeReport(
  { project, scratch, storage }: Context,
  sinks: readonly SinkDriver[],
  run: string,
  state: RunState,
  now: number,
): Promise<WrittenReport> {
  const { pipeline } = state;
  if (!pipeline?.report) throw new TypeError('the pipeline has no report');
  const { folder, url } = project.connections.reports;
  const { language } = project.connections.mail;
  const all = below(located(project.root, folder), pipeline.name);
  const own = below(all, run);
  const views = await Promise.all(outputsOf(state).map(readable));
  const duck = await openDuck(
    scratch,
    views.flatMap((view) => view?.files ?? []),
  );
  try {
    const relations = new Map(views.flatMap((view) => (view ? [[view.name, view.relation]] : [])));
    const data = await computeReport(duck, pipeline.report, relations, language, duck.folder);
    for (const name of data.spreadsheets) await storage.upload(join(duck.folder, name), below(own, name));
    const file = below(own, 'index.html');
    await storage.write(file, reportPage(run, pipeline.report, state, data, language, now));
    const isLocal = isFile(all);
    if (isLocal) await linkLatest(pathOf(all), run);
    const shown = isLocal ? pathToFileURL(file).href : file;
    const address = url === undefined ? shown : `${url.replace(/\/+$/, '')}/${pipeline.name}/${run}/`;
    return { file, url: address, figures: data.figures };
  } finally {
    await duck.close();
  }

  /** A published view that DuckDB can read; undefined for other kinds, and without files. */
  async function readable({ kind, view, where }: PublishedOutput) {
    const relation = sinks.find((sink) => sink.kind === kind)?.relation;
    if (!relation) return undefined;
    const files = await partFiles(storage, located(project.root, where));
    return files.length === 0 ? undefined : { name: view, files, relation: relation(files) };
  }
}

async function linkLatest(all: string, run: string): Promise<void> {
  const link = join(all, `.latest-${run}`);
  try {
    await rm(link, { force: true });
    await symlink(run, link);
    await refuseOther(join(all, 'latest'));
    await rename(link, join(all, 'latest'));
  } catch (error) {
    throw unwritable(all, error);
  }
}

/** Throws a rejected SluiceError when `latest` exists and is not a symlink. */
async function refuseOther(latest: string): Promise<void> {
  const found = await lstat(latest).catch(() => undefined);
  if (found && !found.isSymbolicLink())
    throw rejected(`${latest} is not Sluice's, and in the way`, 'move it elsewhere');
}
