/**
 * Quoting of names and texts in SQL. Every query is built with these functions, so that a name can never be more than a
 * name. DuckDB and PostgreSQL (with standard strings) quote alike.
 */

/** A text as an SQL literal, for DuckDB and PostgreSQL. */
export const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`;

/** The name of a column or view with any characters, for DuckDB and PostgreSQL. */
export const identifier = (name: string): string => `"${name.replaceAll('"', '""')}"`;

/** `table` or `schema.table` of PostgreSQL, each part quoted. */
export const tableName = (name: string): string => name.split('.').map(identifier).join('.');

/** A text as a literal of Spark SQL, which interprets backslashes and reads a doubled quote as two adjacent texts. */
export const sparkLiteral = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;

/** A name for Spark SQL. */
export const sparkIdentifier = (name: string): string => `\`${name.replaceAll('`', '``')}\``;

/**
 * The location of a field in a JSON object, as a literal for DuckDB's JSON functions: a JSON pointer, which allows any
 * name.
 */
export const jsonPointer = (field: string): string => literal(`/${field.replaceAll('~', '~0').replaceAll('/', '~1')}`);

const withoutGlobs = (path: string): string => path.replace(/[*?[]/g, '[$&]');

/** A file name for DuckDB's readers, with its glob characters escaped. */
export const fileLiteral = (path: string): string => literal(withoutGlobs(path));

/**
 * An option for all of DuckDB's readers. Without it, folders named `name=value` in a path replace columns of the file.
 */
export const asItIs = 'hive_partitioning=false';
