import { join } from 'node:path';
import { type Duck, openDuck } from '../clients/duckdb.ts';
import { asItIs, fileLiteral, identifier, literal } from '../clients/sql.ts';
import type { Storage, Uri } from '../domain/ports/storage.ts';
import { countRecords } from '../lib/csv-records.ts';
import { reasonOf, rejected } from '../lib/errors.ts';
import { below, nameOf } from '../lib/uri.ts';
import { asJson, localFile, own, parquet } from './snapshot.ts';

/**
 * The repaired rows of a source: `_where` and `_original` identify the row that each replaces, `_fixed` is a JSON
 * object of texts.
 */
export const repairsOf = (folder: Uri, source: string): Uri => below(folder, `${source}.parquet`);

/** The unchanged quarantine, beside the CSV file that people repair. */
const asWritten = (csv: Uri): Uri => csv.replace(/\.csv$/, '.parquet');

/**
 * Whether a text starts like a formula of a spreadsheet program, or like an already escaped one. Numbers do not count.
 */
const isFormula = (text: string): string =>
  `(regexp_matches(${text}, '^[=+@\\t\\r\\x27-]') AND NOT regexp_full_match(${text}, '[+-]?[0-9]+([.][0-9]+)?'))`;

/** A value that is safe to open: an apostrophe precedes a possible formula. */
const shown = (column: string): string => `CASE WHEN ${isFormula(column)} THEN chr(39) || ${column} ELSE ${column} END`;

/** The intended value, whether or not the spreadsheet program preserved the apostrophe. */
const meant = (column: string): string =>
  `CASE WHEN starts_with(${column}, chr(39)) AND ${isFormula(`${column}[2:]`)} THEN ${column}[2:] ELSE ${column} END`;

/** Writes quarantined rows, all columns as text: as a CSV file for repairs, and unchanged as Parquet. */
export async function writeQuarantine(duck: Duck, relation: string, storage: Storage, csv: Uri): Promise<void> {
  const write = async (select: string, format: string, uri: Uri): Promise<void> => {
    // Other sources are written at the same time.
    const file = join(duck.folder, nameOf(uri));
    await duck.run(`COPY (${select}) TO ${literal(file)} (FORMAT ${format})`);
    await storage.upload(file, uri);
  };
  const columns = (await duck.columns(relation)).map(({ name }) => name);
  // A header takes one line and never looks like a formula, whatever its column is called.
  const title = (name: string): string => name.replace(/[\r\n]+/g, ' ').replace(/^[=+@\t'-]/, "'$&");
  const titled = columns.map((name) => `${shown(identifier(name))} AS ${identifier(title(name))}`);
  const safe = titled.join(', ');
  await write(`SELECT * FROM ${relation}`, 'parquet', asWritten(csv));
  await write(`SELECT ${safe} FROM ${relation}`, 'csv, HEADER', csv);
}

/**
 * Takes the changes in a quarantine's CSV file, in addition to earlier repairs of the source. Returns the number of
 * changed rows. Throws a rejected SluiceError when the file no longer matches the quarantine.
 */
export async function takeRepairs(
  csv: Uri,
  repaired: string,
  repairs: Uri,
  { storage, scratch }: { readonly storage: Storage; readonly scratch: string },
): Promise<number> {
  const quarantined = await storage.local(asWritten(csv));
  const earlier = await localFile(storage, repairs);
  const duck = await openDuck(scratch, [quarantined, repaired, ...(earlier === undefined ? [] : [earlier])]);
  try {
    const written = parquet([quarantined]);
    const columns = (await duck.columns(written)).map(({ name }) => name);
    // Runs before version 0.2 used other names for Sluice's columns.
    const isOld = !columns.includes(own.where);
    const [where, original, reason] = isOld
      ? ['_where', '_original', '_reason']
      : [own.where, own.original, own.reason];
    const schema = columns.map((name) => `${literal(name)}: 'VARCHAR'`).join(', ');
    const values = columns.map((name) => `${meant(identifier(name))} AS ${identifier(name)}`).join(', ');
    await duck
      .run(
        `CREATE TABLE edited AS SELECT row_number() OVER () AS __sluice_line, ${values}
         FROM read_csv(${fileLiteral(repaired)}, header=true, delim=',', quote='"', escape='"', auto_detect=false, ${asItIs}, columns={${schema}})`,
      )
      .catch((error: unknown) => {
        throw rejected(`${repaired} cannot be read: ${reasonOf(error)}`, `keep its header: ${columns.join(',')}`);
      });
    const [edited] = await duck.rows('SELECT count(*) AS n FROM edited');
    const { records } = await countRecords({ file: repaired, lineEnd: '\n' });
    if (Number(edited?.n) !== records - 1)
      throw rejected(
        `${repaired}: of its ${records - 1} rows ${edited?.n} could be read`,
        'save it as CSV with commas, and with quotes around values of several lines',
      );
    const same = `coalesce(e.${where}, '') = coalesce(w.${where}, '') AND coalesce(e.${original}, '') = coalesce(w.${original}, '')`;
    const [stranger] = await duck.rows(
      `SELECT __sluice_line AS line FROM edited e WHERE NOT EXISTS (SELECT 1 FROM ${written} w WHERE ${same}) ORDER BY 1 LIMIT 1`,
    );
    if (stranger)
      throw rejected(
        `${repaired}: row ${stranger.line} does not match any quarantined row`,
        `change the columns of the source alone; ${where} and ${original} tell which row it is`,
      );
    const source = columns.filter((name) => ![where, original, reason].includes(name));
    const textOf = (of: 'e' | 'w', name: string): string => `nullif(${of}.${identifier(name)}, '')`;
    const isChanged = (name: string): string => `${textOf('e', name)} IS DISTINCT FROM ${textOf('w', name)}`;
    const fixed = asJson(
      source.map((name) => ({ name })),
      // Unchanged values stay exact: an empty text and NULL remain distinct.
      (name) => `CASE WHEN ${isChanged(name)} THEN ${textOf('e', name)} ELSE w.${identifier(name)} END`,
    );
    const changed = source.map(isChanged).join(', ');
    await duck.run(
      `CREATE TABLE repairs AS SELECT DISTINCT w.${where} AS _where, w.${original} AS _original, ${fixed} AS _fixed
       FROM edited e JOIN ${written} w ON ${same} WHERE list_contains([${changed}], true)`,
    );
    const [count] = await duck.rows('SELECT count(*) AS n FROM repairs');
    if (Number(count?.n) === 0) return 0;
    if (earlier !== undefined)
      await duck.run(
        `INSERT INTO repairs SELECT * FROM ${parquet([earlier])} w WHERE NOT EXISTS
           (SELECT 1 FROM repairs e WHERE e._where IS NOT DISTINCT FROM w._where AND e._original IS NOT DISTINCT FROM w._original)`,
      );
    const file = join(duck.folder, 'repairs.parquet');
    await duck.run(`COPY repairs TO ${literal(file)} (FORMAT parquet)`);
    await storage.upload(file, repairs);
    return Number(count?.n);
  } finally {
    await duck.close();
  }
}
