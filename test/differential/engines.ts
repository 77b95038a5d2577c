import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileStorage as storage } from '../../controller/adapters/storage/file/file.ts';
import { compareViews } from '../../controller/app/comparisons.ts';
import type { Project } from '../../controller/config/project.ts';
import { type RunnerResult, runnerResultSchema } from '../../controller/domain/result.ts';
import { type EmbeddedJob, execute } from '../../controller/embedded/execute.ts';
import type { Case } from './cases.ts';
import { prepare, runOnSpark } from './differential.ts';
import { randomMarts } from './marts.ts';

/** What became of a case: both engines agree, the embedded one refused it by name, or they differ. */
export interface EngineOutcome {
  readonly seed: number;
  readonly sql: string;
  readonly outcome: 'equal' | 'refused' | 'failed alike' | 'failed on the embedded engine alone' | 'different';
  readonly detail: string;
  readonly rows: number;
}

/** Computes random marts on Spark and on the embedded engine from the same snapshots, and compares the results. */
export async function engines(
  project: Project,
  { seed, cases, log }: { seed: number; cases: number; log: (line: string) => void },
): Promise<EngineOutcome[]> {
  const folder = join(project.home, 'engines');
  await rm(folder, { recursive: true, force: true });
  const all = Array.from({ length: cases }, (_, i) => randomMarts(seed + i));
  for (const each of all) await prepare(each, join(folder, String(each.seed)), true);
  log(`${cases} cases measured, from seed ${seed} on`);
  await runOnSpark(project, folder);
  const outcomes: EngineOutcome[] = [];
  for (const each of all) outcomes.push(await judge(each, join(folder, String(each.seed))));
  return outcomes;
}

async function judge(of: Case, folder: string): Promise<EngineOutcome> {
  const job = JSON.parse(await readFile(join(folder, 'job.json'), 'utf8')) as EmbeddedJob;
  const spark = runnerResultSchema.parse(JSON.parse(await readFile(join(folder, 'result.json'), 'utf8')));
  const outputs = job.outputs.map((output) => ({ ...output, place: join(folder, 'embedded', output.view) }));
  const embedded = await execute(
    { ...job, outputs },
    { storage, scratch: join(folder, 'scratch'), memoryMb: 256, threads: 2 },
  );
  const found = await verdict(of, folder, spark, embedded);
  if (found.outcome === 'equal') await rm(folder, { recursive: true });
  return { seed: of.seed, sql: of.sql, ...found };
}

async function verdict(
  { views }: Case,
  folder: string,
  spark: RunnerResult,
  embedded: RunnerResult,
): Promise<Pick<EngineOutcome, 'outcome' | 'detail' | 'rows'>> {
  const [theirs, ours] = [spark.error?.message.split('\n', 1)[0] ?? '', embedded.error?.message ?? ''];
  const isRefused = embedded.error?.type === 'AnalysisException' && /^line \d+: view/.test(ours);
  if (isRefused) return { outcome: 'refused', detail: ours, rows: 0 };
  if (theirs !== '' && ours !== '') return { outcome: 'failed alike', detail: `${theirs} / ${ours}`, rows: 0 };
  if (ours !== '') return { outcome: 'failed on the embedded engine alone', detail: ours, rows: 0 };
  if (theirs !== '') return { outcome: 'different', detail: `only Spark failed: ${theirs}`, rows: 0 };
  const places = views.map(
    (view) => [view, { spark: join(folder, 'marts', view), embedded: join(folder, 'embedded', view) }] as const,
  );
  const { rows, problems } = await compareViews({ storage, scratch: join(folder, 'scratch') }, new Map(places));
  return { outcome: problems.length === 0 ? 'equal' : 'different', detail: problems.join('; '), rows };
}
