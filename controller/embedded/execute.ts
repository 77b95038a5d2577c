import { type Duck, openDuck } from '../clients/duckdb.ts';
import { identifier } from '../clients/sql.ts';
import type { Storage, Uri } from '../domain/ports/storage.ts';
import type { RunnerResult } from '../domain/result.ts';
import { reasonOf, rejected } from '../lib/errors.ts';
import { localFiles, own, parquet } from '../snapshot/snapshot.ts';
import { multipliedJoins } from './joins.ts';
import { checkOutput, type Output, writeOutput } from './outputs.ts';
import type { Column } from './sql/scope.ts';
import { inputViews, type TranslatedView, translate } from './sql/translate.ts';
import { prelude } from './sql/typed.ts';
import { typeNamed, Untranslatable } from './sql/types.ts';

/** The part of a job description that this engine reads. */
export interface EmbeddedJob {
  readonly key: string;
  readonly revoked?: Uri;
  readonly sql: string;
  readonly inputs: readonly EmbeddedInput[];
  readonly outputs: readonly Output[];
}

/** An input of a job description; the engine reads only kept ones. */
export interface EmbeddedInput {
  readonly name: string;
  readonly kind: string;
  readonly paths?: readonly Uri[];
  readonly columns?: readonly { readonly name: string; readonly type: string }[];
}

export interface ExecuteOptions {
  readonly storage: Storage;
  /** A folder for the database and its spilled rows. */
  readonly scratch: string;
  readonly memoryMb: number;
  readonly threads: number;
}

/** The columns of an input without Sluice's own. Throws Untranslatable for a type that the engine lacks. */
export function columnsOf({ name, columns = [] }: Pick<EmbeddedInput, 'name' | 'columns'>): Column[] {
  return columns
    .filter((column) => column.name !== own.reason && column.name !== own.raw)
    .map((column) => {
      const type = typeNamed(column.type);
      if (!type) throw new Untranslatable(`column ${column.name} of ${name} is of type ${column.type.toLowerCase()}`);
      return { name: column.name, type };
    });
}

/** The views of a job. Throws Untranslatable for whatever only Spark can do. */
export async function translateJob(
  duck: Duck,
  { sql, inputs, outputs }: Pick<EmbeddedJob, 'sql' | 'inputs' | 'outputs'>,
): Promise<TranslatedView[]> {
  const unkept = inputs.find(({ kind }) => kind !== 'kept');
  if (unkept) throw new Untranslatable(`source ${unkept.name} has no snapshot, and only Spark reads it`);
  const views = await translate(
    duck,
    sql,
    inputViews(inputs.map((input) => ({ name: input.name, columns: columnsOf(input) }))),
  );
  for (const { view, kind } of outputs) {
    const found = views.findLast(({ name }) => name.toLowerCase() === view);
    if (found) checkOutput(kind, view, found.columns);
  }
  return views;
}

/** Runs a job in a DuckDB of its own: reads the inputs, runs the SQL, stages the outputs. Never throws for a failure of the job. */
export async function execute(job: EmbeddedJob, options: ExecuteOptions): Promise<RunnerResult> {
  const run = new Execution(job, options);
  const { inputs, outputs, seconds } = run;
  const result = { key: job.key, applicationId: `embedded-${job.key}`, inputs, outputs, seconds };
  try {
    await run.run();
    return { ...result, state: 'succeeded' };
  } catch (error) {
    return { ...result, state: 'failed', error: { ...failureOf(error), phase: run.phase } };
  }
}

/** A view on its way to its places. */
interface Written extends Pick<RunnerResult['outputs'][number], 'view' | 'rows' | 'joins'> {
  readonly places: readonly { readonly kind: string; readonly place: string; readonly written: Promise<number> }[];
}

class Execution {
  phase = 'starting';
  readonly inputs: RunnerResult['inputs'] = [];
  readonly outputs: RunnerResult['outputs'] = [];
  readonly seconds: Record<string, number> = {};
  private phaseStarted = performance.now();
  private readonly written: Written[] = [];
  private copying: Promise<unknown> = Promise.resolve();
  private readonly job: EmbeddedJob;
  private readonly options: ExecuteOptions;

  constructor(job: EmbeddedJob, options: ExecuteOptions) {
    this.job = job;
    this.options = options;
  }

  async run(): Promise<void> {
    const { storage, scratch, memoryMb, threads } = this.options;
    const files = new Map<string, string[]>();
    for (const { name, paths = [] } of this.job.inputs) files.set(name, await localFiles(storage, paths));
    const duck = await openDuck(scratch, [...files.values()].flat(), { memoryMb, threads });
    try {
      await duck.run(prelude);
      for (const input of this.job.inputs) {
        this.startPhase(`reading ${input.name}`);
        this.inputs.push(await register(duck, input, files.get(input.name) ?? []));
      }
      this.startPhase('running the SQL');
      const views = await translateJob(duck, this.job);
      for (const { sql } of views) await duck.run(sql);
      for (const view of new Set(this.job.outputs.map((output) => output.view))) await this.write(duck, view, views);
      this.startPhase('finishing the outputs');
      for (const each of this.written) await this.audit(each);
      this.startPhase('done');
    } finally {
      // Nothing may be written once the result is known.
      await this.copying;
      await duck.close();
    }
  }

  /** Computes a view once, and writes it to all of its places at the same time. A database may take its rows longer. */
  private async write(duck: Duck, name: string, views: readonly TranslatedView[]): Promise<void> {
    const view = views.findLast((each) => each.name.toLowerCase() === name);
    if (!view) throw rejected(`[MISSING_VIEW] the SQL creates no view ${name}, which an output asks for`);
    this.startPhase(`computing ${name}`);
    const table = identifier(`__computed_${name}`);
    const [profile] = await duck.rows(
      `EXPLAIN (ANALYZE, FORMAT json) CREATE TEMP TABLE ${table} AS SELECT * FROM ${identifier(view.name)}`,
    );
    const joins = multipliedJoins(String(profile?.explain_value));
    const [counted] = await duck.rows(`SELECT count(*) AS n FROM ${table}`);
    const rows = Number(counted?.n);
    // Later views read what was computed.
    await duck.run(`CREATE OR REPLACE TEMP VIEW ${identifier(view.name)} AS SELECT * FROM ${table}`);
    this.startPhase(`writing ${name}`);
    await this.checkClaim();
    const mine = this.job.outputs.filter((output) => output.view === name);
    const to = { duck, storage: this.options.storage, inTurn: this.inTurn };
    const all = await Promise.allSettled(mine.map((output) => writeOutput(to, output, table, view.columns)));
    const places = all.map((each, i) => {
      if (each.status === 'rejected') throw each.reason;
      const { kind, place } = mine[i] as Output;
      return { kind, place, written: each.value.rows };
    });
    this.written.push({ view: name, rows, joins, places });
  }

  /** One connection fills tables, while DuckDB computes the next view. Its errors are those of the outputs. */
  private readonly inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const done = this.copying.then(work);
    this.copying = done.catch(() => undefined);
    return done;
  };

  /** Waits for the outputs of a view. Throws when one has other rows than were computed. */
  private async audit({ view, rows, joins, places }: Written): Promise<void> {
    for (const { kind, place, written } of places) {
      const found = await written;
      if (found !== rows) throw rejected(`${view}: ${rows} rows were computed, but ${found} written as ${kind}`);
      this.outputs.push({ view, kind, place, rows, joins });
    }
  }

  /** Throws when the controller has fenced off the job. */
  private async checkClaim(): Promise<void> {
    const { revoked, key } = this.job;
    if (revoked !== undefined && (await this.options.storage.stat(revoked)))
      throw rejected(`[REVOKED] ${key} was given up; nothing more is written`);
  }

  private startPhase(next: string): void {
    const now = performance.now();
    this.seconds[this.phase] = (this.seconds[this.phase] ?? 0) + Math.round(now - this.phaseStarted) / 1000;
    this.phase = next;
    this.phaseStarted = now;
  }
}

/** Counts the rows of an input, and registers its views of valid and of quarantined rows. */
async function register(
  duck: Duck,
  input: EmbeddedInput,
  files: readonly string[],
): Promise<RunnerResult['inputs'][number]> {
  const { name } = input;
  const relation = parquet(files);
  const groups = await duck.rows(`SELECT ${own.reason} AS reason, count(*) AS n FROM ${relation} GROUP BY 1`);
  const valid = Number(groups.find(({ reason }) => reason === null)?.n ?? 0);
  const invalid = groups.filter(({ reason }) => reason !== null);
  const quarantined = invalid.reduce((sum, { n }) => sum + Number(n), 0);
  const list = columnsOf(input)
    .map(({ name: column, type }) =>
      type.is === 'timestamp'
        ? `${identifier(column)} AT TIME ZONE 'UTC' AS ${identifier(column)}`
        : identifier(column),
    )
    .join(', ');
  await duck.run(`CREATE TEMP VIEW ${identifier(name)} AS SELECT ${list} FROM ${relation} WHERE ${own.reason} IS NULL`);
  await duck.run(
    `CREATE TEMP VIEW ${identifier(`${name}_quarantined`)} AS
     SELECT ${own.reason} AS "reason", ${own.raw} AS "row" FROM ${relation} WHERE ${own.reason} IS NOT NULL`,
  );
  const reasons = Object.fromEntries(invalid.map(({ reason, n }) => [String(reason), Number(n)]));
  return { name, read: valid + quarantined, valid, quarantined, reasons };
}

/** Errors of DuckDB by the beginning of their messages, and the error classes by which Spark names the same. */
const kinds: readonly (readonly [RegExp, string])[] = [
  [/^Out of Memory Error/, 'OutOfMemoryError'],
  [/^Conversion Error/, 'CAST_INVALID_INPUT'],
  [/^Out of Range Error/, 'ARITHMETIC_OVERFLOW'],
  [/^(Binder|Parser|Catalog) Error/, 'AnalysisException'],
];

function failureOf(error: unknown): { readonly type: string; readonly message: string } {
  if (error instanceof Untranslatable) return { type: 'AnalysisException', message: error.message };
  const message = reasonOf(error);
  const [, known] = kinds.find(([pattern]) => pattern.test(message)) ?? [];
  return { type: known ?? (error instanceof Error ? error.name : 'Error'), message };
}
