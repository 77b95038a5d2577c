import { lstat, mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { openDuck } from '../clients/duckdb.ts';
import type { Project } from '../config/project.ts';
import type { Figure } from '../domain/events.ts';
import { outputsOf, type RunState } from '../domain/state.ts';
import { rejected } from '../lib/errors.ts';
import { computeReport } from './data.ts';
import { reportPage } from './page.ts';

/** A written report: its page, the address for people, and the headline figures for the mail. */
export interface WrittenReport {
  readonly file: string;
  readonly url: string;
  readonly figures: readonly Figure[];
}

/** Writes REPORTS/PIPELINE/RUN/index.html and its spreadsheets, then turns the link REPORTS/PIPELINE/latest to them. */
export async function writeReport(
  project: Project,
  run: string,
  state: RunState,
  scratch: string,
  now: number,
): Promise<WrittenReport> {
  const { pipeline } = state;
  if (!pipeline?.report) throw new TypeError('the pipeline has no report');
  const { folder, url } = project.connections.reports;
  const language = project.connections.mail.language;
  const all = resolve(project.root, folder, pipeline.name);
  const own = join(all, run);
  await mkdir(own, { recursive: true });
  const outputs = outputsOf(state);
  const published = outputs.filter(({ kind }) => kind === 'parquet').map(({ where }) => resolve(project.root, where));
  const duck = await openDuck(scratch, [own, ...published]);
  try {
    const data = await computeReport(duck, pipeline.report, outputs, project.root, language, own);
    const file = join(own, 'index.html');
    await writeFile(file, reportPage(run, pipeline.report, state, data, language, now));
    const link = join(all, `.latest-${run}`);
    await rm(link, { force: true });
    await symlink(run, link);
    await refuseOther(join(all, 'latest'));
    await rename(link, join(all, 'latest'));
    const address =
      url === undefined ? pathToFileURL(file).href : `${url.replace(/\/+$/, '')}/${pipeline.name}/${run}/`;
    return { file, url: address, figures: data.figures };
  } finally {
    await duck.close();
  }
}

/** Throws a rejected SluiceError when something else than a link is where the link to the latest report goes. */
async function refuseOther(latest: string): Promise<void> {
  const found = await lstat(latest).catch(() => undefined);
  if (found && !found.isSymbolicLink())
    throw rejected(`${latest} is not Sluice's, and in the way`, 'move it elsewhere');
}
