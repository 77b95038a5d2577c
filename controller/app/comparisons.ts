import { setTimeout as sleep } from 'node:timers/promises';
import type { RunnerJob, RunnerSecrets } from '../adapters/runner/job.ts';
import { openDuck } from '../clients/duckdb.ts';
import type { SparkSettings } from '../domain/plan.ts';
import { type BatchBackend, type BatchJob, hasEnded } from '../domain/ports/backend.ts';
import type { Storage, Uri } from '../domain/ports/storage.ts';
import { type RunnerResult, runnerResultSchema } from '../domain/result.ts';
import { type Compared, compare } from '../embedded/compare.ts';
import { SluiceError } from '../lib/errors.ts';
import { below } from '../lib/uri.ts';
import { partFiles } from '../snapshot/snapshot.ts';

const pollMs = 100;
/** How long a job may be unknown to its backend. Milliseconds. */
const unknownMs = 60_000;

/** A job whose views are only compared: each is written once, as Parquet. */
export interface ComparedJob {
  readonly key: string;
  /** A folder of its own in the shared storage. */
  readonly folder: Uri;
  readonly sql: string;
  readonly inputs: readonly object[];
  readonly views: readonly string[];
  readonly settings: SparkSettings;
}

export const placeOf = (folder: Uri, view: string): Uri => below(folder, 'views', view);

/** Runs such a job to its end. Cancels it, and throws an unavailable SluiceError, when `stopped` returns a reason, or when it is lost. */
export async function runCompared(
  backend: BatchBackend,
  storage: Storage,
  { key, folder, sql, inputs, views, settings }: ComparedJob,
  stopped: () => string | undefined = () => undefined,
): Promise<RunnerResult> {
  const job: RunnerJob = {
    key,
    result: below(folder, 'result.json'),
    claim: below(folder, 'claimed'),
    revoked: below(folder, 'revoked'),
    secrets: below(folder, 'secrets.json'),
    quarantine: below(folder, 'quarantine'),
    sql,
    partitions: settings.partitions,
    inputs,
    outputs: views.map((view) => ({ view, kind: 'parquet', place: placeOf(folder, view) })),
  };
  const spec = below(folder, 'job.json');
  await storage.write(spec, JSON.stringify(job));
  const secrets: RunnerSecrets = { conf: {}, jaas: {} };
  await storage.write(job.secrets, JSON.stringify(secrets), { secret: true });
  const batch: BatchJob = { spec, settings, properties: { 'user.timezone': 'UTC' }, secretFiles: [], labels: {} };
  const submission = await backend.submit(batch, key);
  for (let missedAt: number | undefined; ; await sleep(pollMs)) {
    const reason = stopped();
    if (reason !== undefined) {
      await storage.write(job.revoked, '');
      await backend.cancel(submission);
      throw new SluiceError(reason, { kind: 'unavailable' });
    }
    const seen = await backend.observe(submission);
    missedAt = seen.unknown ? (missedAt ?? performance.now()) : undefined;
    if (missedAt !== undefined && performance.now() - missedAt > unknownMs)
      throw new SluiceError(`the backend does not know job ${key}`, { kind: 'unavailable' });
    if (!hasEnded(seen.state)) continue;
    const result = await storage.read(job.result);
    await backend.forget?.(submission);
    const ended = result && runnerResultSchema.parse(JSON.parse(String(result)));
    // A lost process or too little memory says nothing of the results.
    if (ended && ended.error?.type !== 'OutOfMemoryError') return ended;
    const cause = ended?.error?.message ?? seen.detail ?? 'it left no result';
    throw new SluiceError(`job ${key} was not completed: ${cause}`, { kind: 'unavailable' });
  }
}

/** Compares views that Spark and the embedded engine have written below these folders. */
export async function compareViews(
  { storage, scratch }: { readonly storage: Storage; readonly scratch: string },
  views: ReadonlyMap<string, { readonly spark: Uri; readonly embedded: Uri }>,
): Promise<Compared> {
  const files = new Map<string, { readonly spark: string[]; readonly embedded: string[] }>();
  for (const [view, { spark, embedded }] of views)
    files.set(view, { spark: await partFiles(storage, spark), embedded: await partFiles(storage, embedded) });
  const duck = await openDuck(
    scratch,
    [...files.values()].flatMap(({ spark, embedded }) => [...spark, ...embedded]),
  );
  try {
    const problems: string[] = [];
    let rows = 0;
    for (const [view, { spark, embedded }] of files) {
      const compared = await compare(duck, spark, embedded);
      rows += compared.rows;
      problems.push(...compared.problems.map((problem) => `${view}: ${problem}`));
    }
    return { rows, problems };
  } finally {
    await duck.close();
  }
}
