import { type Duck, type DuckColumn, openDuck } from '../clients/duckdb.ts';
import { identifier, literal } from '../clients/sql.ts';
import { columnsOf, type Pipeline, type RowCheck, rowChecks, type Source } from '../domain/pipeline.ts';
import type { Uri } from '../domain/ports/storage.ts';
import type { CheckedProfiles, CheckResult, Profile } from '../domain/profile.ts';
import { reasonOf, rejected } from '../lib/errors.ts';
import { below } from '../lib/uri.ts';
import { checkExpression } from './expression.ts';
import { measureRelation } from './measure.ts';
import { writeQuarantine } from './repairs.ts';
import { localRepairs, localRows, openRows, type Rows } from './rows.ts';
import { duckdb, reasonSql, rulesOf } from './rules.ts';
import { asJson, jsonText, materialize, own, parquet, type SnapshotOptions, writeSnapshot } from './snapshot.ts';

type Profiles = Readonly<Record<string, Profile>>;

/** The locations of a run's snapshots, of its quarantine, and of the repaired rows of its pipeline. */
export interface RowCheckOptions {
  readonly snapshots: SnapshotOptions;
  readonly quarantine: Uri;
  readonly repairs: Uri;
  readonly scratch: string;
}

/**
 * Applies repairs and row checks to the snapshots, and writes the quarantine, one file per source. Throws a rejected
 * SluiceError for a check whose SQL is wrong, or whose source has no snapshot.
 */
export async function checkRows(
  pipeline: Pipeline,
  profiles: Profiles,
  where: RowCheckOptions,
): Promise<CheckedProfiles> {
  const checks = rowChecks(pipeline);
  const repairs = await localRepairs(where.snapshots.storage, where.repairs, Object.keys(profiles));
  const repaired = [...repairs.keys()];
  const dirty = Object.values(profiles).some(({ measures }) => measures.invalid > 0);
  if (checks.length === 0 && repaired.length === 0 && !dirty) return { profiles, findings: {} };

  const kept = await localRows(where.snapshots.storage, profiles);
  const duck = await openDuck(where.scratch, [...[...kept.values()].flat(), ...repairs.values()]);
  try {
    const changing = new Set([
      ...repaired,
      ...checks.filter(({ otherwise }) => otherwise === 'quarantine').map(({ rows }) => rows),
    ]);
    const rows = await openRows(duck, kept, changing);
    for (const check of checks) await checkExpression(duck, check);
    for (const check of checks)
      if (!rows.has(check.rows))
        throw rejected(
          `check "${check.name}": row checks need a snapshot, and ${check.rows} is too large for one`,
          'judge it by measures (expect: …) instead',
        );
    if (repaired.length > 0) {
      await quarantineFailingRows(duck, pipeline, checks, rows);
      for (const [name, file] of repairs) await repair(duck, pipeline.sources[name] as Source, rows.get(name), file);
    }
    const of = await quarantineFailingRows(duck, pipeline, checks, rows);
    const findings = await checkResults(duck, pipeline, checks, rows, of);
    const changed = await Promise.all(
      Object.entries(profiles).map(async ([name, profile]) => {
        const seen = rows.get(name);
        if (!seen) return [name, profile];
        const counted = changing.has(name) ? await remeasure(duck, pipeline, name, profile, seen, where) : profile;
        return [name, await writeQuarantineFile(duck, name, counted, seen, where)];
      }),
    );
    return { profiles: Object.fromEntries(changed), findings };
  } finally {
    await duck.close();
  }
}

const label = (check: RowCheck): string => `check ${check.name}`;
/** As with a CHECK constraint, NULL does not fail a condition. */
const breaks = ({ where }: RowCheck): string => `${own.reason} IS NULL AND NOT coalesce((${where}\n), true)`;

/**
 * Applies the checks in order. Rows that fail one with `quarantine` become invalid. Returns the number of valid rows
 * before each check.
 */
async function quarantineFailingRows(
  duck: Duck,
  { sources }: Pipeline,
  checks: readonly RowCheck[],
  rows: ReadonlyMap<string, Rows>,
): Promise<ReadonlyMap<string, number>> {
  const of = new Map<string, number>();
  for (const check of checks) {
    const { table, columns } = rows.get(check.rows) as Rows;
    of.set(check.name, await count(duck, `${table} WHERE ${own.reason} IS NULL`));
    if (check.otherwise !== 'quarantine') continue;
    const { key } = sources[check.rows] as Source;
    const row = asJson(columns.map(({ name }) => ({ name })));
    await explainSqlErrors(check, () =>
      duck.run(
        `UPDATE ${table} SET ${own.reason} = ${literal(label(check))}, ${own.raw} = ${row}, ${own.fields} = ${textJson(columns)},
           ${own.original} = coalesce(${own.original}, ${textJson(columns)}),
           ${own.where} = coalesce(${own.where}, ${literal(`${key}=`)} || coalesce(${identifier(key)}::VARCHAR, 'NULL'))
         WHERE ${breaks(check)}`,
      ),
    );
  }
  return of;
}

/** Columns as a JSON object of texts, in the form that the rules expect. */
function textJson(columns: readonly DuckColumn[]): string {
  const texts = columns.map(({ name, type }) => {
    const text = `${identifier(name)}::VARCHAR`;
    return `${literal(name)}: ${type === 'TIMESTAMP WITH TIME ZONE' ? `regexp_replace(${text}, '[+]00$', 'Z')` : text}`;
  });
  return `CAST(to_json({${texts.join(', ')}}) AS VARCHAR)`;
}

async function count(duck: Duck, from: string): Promise<number> {
  const [row] = await duck.rows(`SELECT count(*) AS n FROM ${from}`);
  return Number(row?.n ?? 0);
}

async function explainSqlErrors<T>(check: RowCheck, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw rejected(`check "${check.name}": ${reasonOf(error)}`, `correct its SQL: ${check.where}`);
  }
}

/** Replaces rows by their repairs, and applies the rules to them as if they had been read so. */
async function repair(duck: Duck, source: Source, rows: Rows | undefined, file: string): Promise<void> {
  if (!rows) return;
  // For a table, an empty text is a value; for a file or a message it is NULL.
  const isTable = 'postgres' in source;
  const text = (column: string): string =>
    isTable ? jsonText('_fixed', column) : `nullif(${jsonText('_fixed', column)}, '')`;
  const declared = isTable ? rulesOf(source) : columnsOf(source);
  const rules = reasonSql(declared, { ...duckdb, quote: text }, !isTable);
  const fits = rows.columns.map(
    (column) =>
      `WHEN ${text(column.name)} IS NOT NULL AND TRY_CAST(${text(column.name)} AS ${column.type}) IS NULL THEN ${literal(`${column.name}: not of type ${column.type}`)}`,
  );
  const reason = `coalesce(${rules}, CASE ${fits.join(' ')} END)`;
  const typed = rows.columns.map(
    (column) => `${identifier(column.name)} = TRY_CAST(${text(column.name)} AS ${column.type})`,
  );
  await duck.run(
    `UPDATE ${rows.table} t SET ${own.reason} = ${reason}, ${own.raw} = _fixed, ${own.fields} = _fixed, ${typed.join(', ')}
     FROM ${parquet([file])} r
     WHERE t.${own.reason} IS NOT NULL AND t.${own.where} = r._where AND t.${own.original} = r._original`,
  );
}

async function checkResults(
  duck: Duck,
  { sources }: Pipeline,
  checks: readonly RowCheck[],
  rows: ReadonlyMap<string, Rows>,
  of: ReadonlyMap<string, number>,
): Promise<Record<string, CheckResult>> {
  const findings: Record<string, CheckResult> = {};
  for (const check of checks) {
    const { table, columns } = rows.get(check.rows) as Rows;
    const broken = check.otherwise === 'quarantine' ? `${own.reason} = ${literal(label(check))}` : breaks(check);
    const n = await explainSqlErrors(check, () => count(duck, `${table} WHERE ${broken}`));
    const { key } = sources[check.rows] as Source;
    const row = asJson(columns.map(({ name }) => ({ name })));
    const examples =
      n === 0
        ? []
        : await duck.rows(
            `SELECT ${identifier(key)} AS key, left(${row}, 200) AS text FROM ${table} WHERE ${broken} LIMIT 2`,
          );
    findings[check.name] = {
      source: check.rows,
      rows: n,
      of: of.get(check.name) ?? 0,
      examples: examples.map(({ key: value, text }) => ({
        reason: check.name,
        where: `${key}=${value ?? 'NULL'}`,
        text: String(text),
      })),
    };
  }
  return findings;
}

/** Writes the checked rows as a new snapshot for Spark, and measures them again. Their number is unchanged. */
async function remeasure(
  duck: Duck,
  { sources }: Pipeline,
  name: string,
  profile: Profile,
  { table }: Rows,
  { snapshots }: RowCheckOptions,
): Promise<Profile> {
  const { key } = sources[name] as Source;
  const { measures, pin } = profile;
  const kept = await writeSnapshot(await materialize(duck, `${name}-reviewed`, table), snapshots);
  const counted = await measureRelation(duck, `(SELECT *, false AS ${own.isNew} FROM ${table})`, key, measures.bytes);
  return { ...profile, ...counted, measures: { ...counted.measures, new: measures.new }, pin: { ...pin, kept } };
}

/** Writes the quarantined rows for repair: location, reason, and the columns as they were read. */
async function writeQuarantineFile(
  duck: Duck,
  name: string,
  profile: Profile,
  rows: Rows,
  where: RowCheckOptions,
): Promise<Profile> {
  if (profile.measures.invalid === 0) return profile;
  const quarantine = below(where.quarantine, `${name}.csv`);
  const columns = rows.columns.map(({ name: column }) => `${jsonText(own.fields, column)} AS ${identifier(column)}`);
  await writeQuarantine(
    duck,
    `(SELECT ${[own.where, own.reason, ...columns, own.original].join(', ')} FROM ${rows.table} WHERE ${own.reason} IS NOT NULL ORDER BY length(${own.where}), ${own.where})`,
    where.snapshots.storage,
    quarantine,
  );
  return { ...profile, quarantine };
}
