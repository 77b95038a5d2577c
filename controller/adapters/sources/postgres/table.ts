import type pg from 'pg';
import { identifier, literal, tableName } from '../../../clients/sql.ts';
import { columnsOf } from '../../../domain/pipeline.ts';
import { rejected } from '../../../lib/errors.ts';
import { didYouMean } from '../../../lib/suggest.ts';
import { postgres, reasonSql, rulesOf } from '../../../snapshot/rules.ts';
import { checkNames } from '../../../snapshot/snapshot.ts';
import type { PostgresSource } from './driver.ts';

/** A column of a table, with the type that its values have in a snapshot. */
export interface TableColumn {
  readonly name: string;
  /**
   * DuckDB's type, equal to what Spark's JDBC reader would give; undefined for a column that a snapshot cannot hold.
   */
  readonly duckType: string | undefined;
  readonly isTime: boolean;
  /** The SQL conditions of values that fit neither Spark nor DuckDB, each with its reason. */
  readonly unfit: readonly { readonly when: string; readonly says: string }[];
}

/** A table or view at the time of the snapshot. */
export interface Table {
  readonly columns: readonly TableColumn[];
  readonly pages: number;
  /** 0 for a view: its size is known once it has been read. */
  readonly bytes: number;
  /** Whether it is a plain table, whose rows have a location (ctid) and an age (xmin). */
  readonly plain: boolean;
  /** The SQL of the reason why a row is invalid; NULL for a valid one. */
  readonly reason: string;
}

const types: Readonly<Record<string, string>> = {
  int2: 'SMALLINT',
  int4: 'INTEGER',
  int8: 'BIGINT',
  float4: 'FLOAT',
  float8: 'DOUBLE',
  bool: 'BOOLEAN',
  date: 'DATE',
  timestamp: 'TIMESTAMPTZ',
  timestamptz: 'TIMESTAMPTZ',
  text: 'VARCHAR',
  varchar: 'VARCHAR',
  bpchar: 'VARCHAR',
  name: 'VARCHAR',
  uuid: 'VARCHAR',
  json: 'VARCHAR',
  jsonb: 'VARCHAR',
};
const times = ['date', 'timestamp', 'timestamptz'];

/** The type that Spark's JDBC reader gives a numeric column without a precision. */
const plainNumeric = { precision: 38, scale: 18 };

/**
 * Describes the table of a source. Throws a rejected SluiceError when the table or a column is missing, or a column
 * name cannot be used.
 */
export async function describeTable(client: pg.Client, name: string, source: PostgresSource): Promise<Table> {
  const { rows } = await client.query(
    `SELECT c.relkind, current_setting('block_size')::int AS block,
            CASE WHEN c.relkind = 'p' THEN (SELECT coalesce(sum(pg_relation_size(relid)), 0)::bigint FROM pg_partition_tree(c.oid) WHERE isleaf)
                 ELSE pg_relation_size(c.oid) END AS bytes
     FROM pg_class c WHERE c.oid = to_regclass($1)`,
    [tableName(source.table)],
  );
  const relation = rows[0];
  if (!relation) throw await missing(client, name, source.table);
  const columns = await columnsIn(client, source.table);
  const names = columns.map((column) => column.name);
  for (const wanted of [source.key, ...columnsOf(source).map((c) => c.name)])
    if (!names.includes(wanted))
      throw rejected(
        `${name}: table ${source.table} has no column ${wanted}${didYouMean(wanted, names)}`,
        `it has ${names.map((each) => JSON.stringify(each)).join(', ') || 'no columns'}`,
      );
  checkNames(name, names);
  const plain = relation.relkind === 'r' || relation.relkind === 'm';
  const unfit = columns.flatMap((column) => column.unfit.map(({ when, says }) => `WHEN ${when} THEN ${literal(says)}`));
  const rules = reasonSql(rulesOf(source), postgres, false);
  return {
    columns,
    pages: plain ? Math.ceil(relation.bytes / relation.block) : 0,
    bytes: relation.bytes,
    plain,
    reason: unfit.length === 0 ? rules : `coalesce(CASE ${unfit.join(' ')} END, ${rules})`,
  };
}

async function missing(client: pg.Client, name: string, table: string): Promise<Error> {
  const { rows } = await client.query(
    `SELECT table_name FROM information_schema.tables WHERE table_schema NOT IN ('pg_catalog', 'information_schema')`,
  );
  const known = rows.map((row) => String(row.table_name));
  return rejected(
    `${name}: there is no table ${table} in "${client.database}"${didYouMean(table, known)}`,
    'correct the source, or create the table',
  );
}

async function columnsIn(client: pg.Client, table: string): Promise<TableColumn[]> {
  const { rows } = await client.query(
    `SELECT a.attname AS name, t.typtype AS sort, CASE WHEN t.typnamespace = 'pg_catalog'::regnamespace THEN t.typname ELSE '' END AS type,
            CASE WHEN t.typname = 'numeric' AND a.atttypmod > 0 THEN (a.atttypmod - 4) >> 16 END AS precision,
            CASE WHEN t.typname = 'numeric' AND a.atttypmod > 0 THEN (a.atttypmod - 4) & 65535 END AS scale
     FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
     WHERE a.attrelid = to_regclass($1) AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum`,
    [tableName(table)],
  );
  return rows.map(({ name, type, sort, precision, scale }) => {
    const column = identifier(name);
    if (type === 'numeric') {
      const at = precision === null ? plainNumeric : { precision, scale };
      const tooLarge = `abs(${column}) >= 1e${at.precision - at.scale}`;
      const says = `${name}: does not fit decimal(${at.precision},${at.scale})`;
      // NaN is greater than every number. A declared scale needs no check: the type enforces it.
      const when = precision === null ? `(${tooLarge} OR ${column} <> round(${column}, ${at.scale}))` : tooLarge;
      const kept = at.precision <= 38 && at.scale <= at.precision;
      return {
        name,
        duckType: kept ? `DECIMAL(${at.precision},${at.scale})` : undefined,
        isTime: false,
        unfit: kept ? [{ when, says }] : [],
      };
    }
    const isTime = times.includes(type);
    const unfit = isTime
      ? [
          { when: `NOT isfinite(${column})`, says: `${name}: infinite` },
          { when: `extract(year FROM ${column}) NOT BETWEEN 1 AND 9999`, says: `${name}: not in the years 1 to 9999` },
        ]
      : [];
    return {
      name,
      duckType: sort === 'e' ? 'VARCHAR' : Object.hasOwn(types, type) ? types[type] : undefined,
      isTime,
      unfit,
    };
  });
}
