import { existsSync } from 'node:fs';
import { mkdir, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type Duck, literal, openDuck } from '../connect/duckdb.ts';
import { reasonOf, rejected } from '../errors.ts';
import { ownColumns, parquet } from './keep.ts';

/** The repaired rows of a source: `_where` and `_original` tell which row each replaces, `_fixed` is a JSON object of texts. */
export const repairsOf = (folder: string, source: string): string => join(folder, `${source}.parquet`);

/** The quarantine as it was written, beside the CSV file that people repair. */
export const asWritten = (csv: string): string => csv.replace(/\.csv$/, '.parquet');

/** Writes a relation of rows in quarantine as a CSV file to be repaired, and once more as it is. */
export async function writeQuarantine(duck: Duck, relation: string, csv: string): Promise<void> {
  await duck.run(`COPY (SELECT * FROM ${relation}) TO ${literal(csv)} (FORMAT csv, HEADER)`);
  await duck.run(`COPY (SELECT * FROM ${relation}) TO ${literal(asWritten(csv))} (FORMAT parquet)`);
}

/**
 * Takes over what a person has changed in a quarantine's CSV file, on top of earlier repairs of the source; returns how many
 * rows. Throws a rejected SluiceError when the file is not that quarantine any more.
 */
export async function takeRepairs(csv: string, repaired: string, repairs: string, scratch: string): Promise<number> {
  const duck = await openDuck(scratch);
  try {
    const written = parquet([asWritten(csv)]);
    const columns = await duck.columns(written);
    const schema = columns.map(({ name }) => `${literal(name)}: 'VARCHAR'`).join(', ');
    await duck
      .run(
        `CREATE TABLE edited AS SELECT row_number() OVER () AS _line, * FROM read_csv(${literal(repaired)}, header=true, delim=',', quote='"', escape='"', auto_detect=false, columns={${schema}})`,
      )
      .catch((error: unknown) => {
        throw rejected(
          `${repaired} cannot be read: ${reasonOf(error)}`,
          `keep its header: ${columns.map(({ name }) => name).join(',')}`,
        );
      });
    const same = '_where IS NOT DISTINCT FROM w._where AND e._original IS NOT DISTINCT FROM w._original';
    const [stranger] = await duck.rows(
      `SELECT _line FROM edited e WHERE NOT EXISTS (SELECT 1 FROM ${written} w WHERE e.${same}) ORDER BY _line LIMIT 1`,
    );
    if (stranger)
      throw rejected(
        `${repaired}: row ${stranger._line} is none of those in quarantine`,
        'change the columns of the source alone; _where and _original tell which row it is',
      );
    const own = ownColumns(columns).map(({ name }) => `"${name}"`);
    const fixed = `CAST(to_json({${own.map((name) => `${name}: nullif(e.${name}, '')`).join(', ')}}) AS VARCHAR)`;
    const changed = own.map((name) => `nullif(e.${name}, '') IS DISTINCT FROM nullif(w.${name}, '')`).join(' OR ');
    await duck.run(
      `CREATE TABLE repairs AS SELECT DISTINCT e._where, e._original, ${fixed} AS _fixed FROM edited e JOIN ${written} w ON e.${same} WHERE ${changed}`,
    );
    const [count] = await duck.rows('SELECT count(*) AS n FROM repairs');
    if (Number(count?.n) === 0) return 0;
    if (existsSync(repairs))
      await duck.run(
        `INSERT INTO repairs SELECT * FROM ${parquet([repairs])} w WHERE NOT EXISTS (SELECT 1 FROM repairs e WHERE e.${same})`,
      );
    await mkdir(dirname(repairs), { recursive: true });
    await duck.run(`COPY repairs TO ${literal(`${repairs}.part`)} (FORMAT parquet)`);
    await rename(`${repairs}.part`, repairs);
    return Number(count?.n);
  } finally {
    await duck.close();
  }
}
