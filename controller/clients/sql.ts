/**
 * How names and texts enter SQL: every query of the program is put together with these, so that a name is only ever a name.
 * DuckDB and PostgreSQL (with standard strings) quote alike.
 */

/** A text as an SQL literal, for DuckDB and PostgreSQL. */
export const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`;

/** A column's or a view's name, whatever characters it has, for DuckDB and PostgreSQL. */
export const identifier = (name: string): string => `"${name.replaceAll('"', '""')}"`;

/** `table` or `schema.table` of PostgreSQL, each part quoted. */
export const tableName = (name: string): string => name.split('.').map(identifier).join('.');

/** A text as a literal of Spark SQL, which reads backslashes and takes a doubled quote for two texts side by side. */
export const sparkLiteral = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;

/** A name for Spark SQL. */
export const sparkIdentifier = (name: string): string => `\`${name.replaceAll('`', '``')}\``;

/** Where a field of a JSON object is, as a literal for DuckDB's JSON functions: a JSON pointer, which takes any name. */
export const jsonPointer = (field: string): string => literal(`/${field.replaceAll('~', '~0').replaceAll('/', '~1')}`);

const withoutGlobs = (path: string): string => path.replace(/[*?[]/g, '[$&]');

/** A file for DuckDB's readers, which would take the characters of a glob in its name for one. */
export const fileLiteral = (path: string): string => literal(withoutGlobs(path));

/** The files of a folder that a glob, such as `part-*`, tells, for DuckDB's readers. */
export const filesLiteral = (folder: string, glob: string): string => literal(`${withoutGlobs(folder)}/${glob}`);

/** For each of DuckDB's readers: without it, folders called `name=value` on the way to a file take the place of its columns. */
export const asItIs = 'hive_partitioning=false';
