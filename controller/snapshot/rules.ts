import { identifier, literal, sparkIdentifier, sparkLiteral } from '../clients/sql.ts';
import { type Column, type ColumnType, columnsOf, type Source } from '../domain/pipeline.ts';

/**
 * The rules for rows, written once as SQL for three engines: DuckDB and PostgreSQL measure, Spark quarantines. Because
 * they agree, measured and quarantined rows are the same rows.
 */
export interface Dialect {
  readonly quote: (name: string) => string;
  readonly literal: (text: string) => string;
  readonly matches: (sql: string, pattern: string) => string;
  readonly text: string;
  readonly types: Readonly<Record<ColumnType, string>>;
}

const types: Record<ColumnType, string> = {
  string: 'VARCHAR',
  int: 'INTEGER',
  bigint: 'BIGINT',
  double: 'DOUBLE',
  boolean: 'BOOLEAN',
  date: 'DATE',
  timestamp: 'TIMESTAMP',
};
export const duckdb: Dialect = {
  quote: identifier,
  literal,
  matches: (sql, pattern) => `regexp_full_match(${sql}, ${literal(pattern)})`,
  text: 'VARCHAR',
  types,
};
export const postgres: Dialect = {
  quote: identifier,
  literal,
  matches: (sql, pattern) => `${sql} ~ ${literal(`^(${pattern})$`)}`,
  text: 'text',
  types,
};
export const spark: Dialect = {
  quote: sparkIdentifier,
  literal: sparkLiteral,
  matches: (sql, pattern) => `${sql} rlike ${sparkLiteral(`^(${pattern})$`)}`,
  text: 'string',
  types: { ...types, string: 'STRING' },
};

/** The accepted notation of each type. */
// All engines read and write the years 1 to 9999.
const date = '([1-9][0-9]{3}|0[1-9][0-9]{2}|00[1-9][0-9]|000[1-9])-[0-9]{2}-[0-9]{2}';
const written: Record<Exclude<ColumnType, 'string'>, string> = {
  int: '-?[0-9]{1,10}',
  bigint: '-?[0-9]{1,19}',
  double: '-?[0-9]+([.][0-9]+)?([eE][+-]?[0-9]+)?',
  boolean: 'true|false|TRUE|FALSE',
  date,
  // A zone is accepted only after seconds: DuckDB reads no other form.
  timestamp: `${date}[ T]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9]([.][0-9]{1,6})?(Z|[+-](0[0-9]|1[0-5]):[0-5][0-9])?)?`,
};
const article = (type: ColumnType): string => (type === 'int' ? 'an int' : `a ${type}`);

/**
 * The SQL expression of the reason why a row is invalid (`order_id: missing`); NULL for a valid one. The first broken
 * rule in column order counts. `raw`: the columns are still text, so their types are checked too.
 */
export function reasonSql(columns: readonly Column[], dialect: Dialect, raw: boolean): string {
  const whens = columns.flatMap(({ name, type, required, values }) => {
    const column = dialect.quote(name);
    const rules: string[] = [];
    if (required) rules.push(`WHEN ${column} IS NULL THEN ${dialect.literal(`${name}: missing`)}`);
    if (raw && type !== 'string') {
      const value = `TRY_CAST(${column} AS ${dialect.types[type]})`;
      // A double that is too large becomes infinite, which cannot be counted with.
      const fits = type === 'double' ? `abs(${value}) <= ${Number.MAX_VALUE}` : `${value} IS NOT NULL`;
      const typed = `${dialect.matches(column, written[type])} AND ${fits}`;
      rules.push(
        `WHEN ${column} IS NOT NULL AND NOT (${typed}) THEN ${dialect.literal(`${name}: not ${article(type)}`)}`,
      );
    }
    if (values) {
      const known = values.map(dialect.literal).join(', ');
      rules.push(
        `WHEN ${column} IS NOT NULL AND CAST(${column} AS ${dialect.text}) NOT IN (${known}) THEN ${dialect.literal(`${name}: unknown value`)}`,
      );
    }
    return rules;
  });
  return whens.length === 0 ? `CAST(NULL AS ${dialect.text})` : `CASE ${whens.join(' ')} END`;
}

/** The declared columns, and the key, which is required whether declared or not. */
export function rulesOf(source: Source): Column[] {
  const declared = columnsOf(source);
  if (declared.some((column) => column.name === source.key)) return declared;
  return [{ name: source.key, type: 'string', required: true, values: undefined }, ...declared];
}

/** Columns with the types that Spark gives them. */
export const typedColumns = (columns: readonly Column[]): { name: string; type: string }[] =>
  columns.map(({ name, type }) => ({ name, type: spark.types[type] }));
