import type { Duck } from '../clients/duckdb.ts';
import { identifier, literal } from '../clients/sql.ts';
import type { Source } from '../domain/pipeline.ts';
import { own } from '../snapshot/snapshot.ts';
import { textsIn } from './sql/lexer.ts';
import type { Column } from './sql/scope.ts';
import { duckTypeOf, type SparkType } from './sql/types.ts';

/** Rows of a generated input: few enough that joins of several inputs stay small. */
const rows = 48;

/** Values at the edges of a type, as DuckDB's SQL. Not the largest ones: both engines would only report an overflow. */
function valuesOf(type: SparkType, texts: readonly string[]): readonly string[] {
  switch (type.is) {
    case 'boolean':
      return ['true', 'false'];
    case 'smallint':
    case 'int':
    case 'bigint':
      return ['0', '1', '2', '3', '-1', '7', '100', '-1000'];
    case 'float':
    case 'double':
      return ['0', '-0.0', '0.1', '-2.5', '1e-7', '123456.789'];
    case 'decimal': {
      const unit = type.scale === 0 ? '1' : `0.${'1'.padStart(type.scale, '0')}`;
      const half = type.scale === 0 ? '5' : `0.${'5'.padStart(type.scale, '0')}`;
      const large = '9'.repeat(Math.min(5, type.precision - type.scale)) || '0';
      return [
        '0',
        unit,
        `-${unit}`,
        half,
        '1',
        `-${large}`,
        `${large}${type.scale > 0 ? `.${'9'.repeat(type.scale)}` : ''}`,
      ];
    }
    case 'date':
      return ['1969-12-31', '1970-01-01', '1900-02-28', '2000-02-29', '2024-12-31', '2026-03-29'].map(literal);
    case 'timestamp':
      return [
        '1969-12-31 23:59:59.5',
        '1970-01-01 00:00:00',
        '2000-02-29 12:30:00.000001',
        '2026-03-29 01:30:00',
        '2026-10-25 00:59:59.999999',
        '2024-12-31 23:59:59',
      ].map((at) => `${literal(`${at}+00`)}::TIMESTAMPTZ`);
    default:
      return [
        ...texts,
        '',
        ' ',
        ' padded ',
        'Ünï',
        'кириллица',
        '日本語🙂',
        "it's",
        'a"b',
        'back\\slash',
        '%_',
        'NULL',
        '0',
        '-1.50',
      ].map(literal);
  }
}

/**
 * A relation with generated rows of an input: edge values in all combinations that a fixed stride makes, NULL where the
 * source allows it, a unique key, and two quarantined rows. The texts of the SQL are among the texts.
 */
export async function edgeRows(
  duck: Duck,
  name: string,
  { key, columns: declared }: Source,
  columns: readonly Column[],
  sql: string,
): Promise<string> {
  const texts = textsIn(sql);
  const rules = (declared ?? {}) as Record<
    string,
    { readonly values?: readonly string[]; readonly required?: boolean }
  >;
  const table = identifier(`__edges_${name}`);
  const typeOf = ({ type }: Column): string => (type.is === 'timestamp' ? 'TIMESTAMPTZ' : duckTypeOf(type));
  const list = columns.map((column) => `${identifier(column.name)} ${typeOf(column)}`);
  await duck.run(`CREATE TABLE ${table} (${[...list, `${own.reason} VARCHAR`, `${own.raw} VARCHAR`].join(', ')})`);
  const lines = Array.from({ length: rows }, (_, row) => {
    const values = columns.map((column, place) => {
      const rule = rules[column.name];
      if (column.name === key) return keyOf(column.type, row);
      const allowed = rule?.values?.map(literal) ?? valuesOf(column.type, texts);
      const all = rule?.required ? allowed : [...allowed, 'NULL'];
      // Strides without a common factor combine the values of columns.
      return all[(row * (2 * place + 1) + place) % all.length];
    });
    return `(${[...values, row % 24 === 23 ? "'generated'" : 'NULL', row % 24 === 23 ? "'raw'" : 'NULL'].join(', ')})`;
  });
  await duck.run(`INSERT INTO ${table} VALUES ${lines.join(', ')}`);
  return table;
}

const keyOf = (type: SparkType, row: number): string => (type.is === 'string' ? literal(`key-${row}`) : String(row));
