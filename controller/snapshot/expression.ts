import type { Duck } from '../clients/duckdb.ts';
import { literal } from '../clients/sql.ts';
import type { RowCheck } from '../domain/pipeline.ts';
import { rejected } from '../lib/errors.ts';

/** Throws a rejected SluiceError when `where` is not exactly one expression. */
export async function checkExpression(duck: Duck, check: RowCheck): Promise<void> {
  const [row] = await duck.rows(`SELECT json_serialize_sql(${literal(`SELECT (${check.where}\n) AS x`)}) AS parsed`);
  const { error, error_message: message, statements } = JSON.parse(String(row?.parsed)) as Serialized;
  const node = statements?.length === 1 ? statements[0]?.node : undefined;
  if (!error && node?.type === 'SELECT_NODE' && node.select_list?.length === 1 && node.from_table?.type === 'EMPTY')
    return;
  throw rejected(
    `check "${check.name}": ${message ?? 'where is more than one condition'}`,
    `correct its SQL: ${check.where}`,
  );
}

/** The parts of DuckDB's serialized syntax tree that are used. */
interface Serialized {
  readonly error: boolean;
  readonly error_message?: string;
  readonly statements?: readonly {
    readonly node: {
      readonly type: string;
      readonly select_list?: readonly unknown[];
      readonly from_table?: { readonly type: string };
    };
  }[];
}
