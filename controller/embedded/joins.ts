import type { MultipliedJoin } from '../domain/result.ts';

type Join = Omit<MultipliedJoin, 'view'>;

/** An operator of DuckDB's profile of a query, with the rows that left it. */
interface Operator {
  readonly operator_type?: string;
  readonly operator_cardinality?: number;
  readonly extra_info?: Readonly<Record<string, unknown>>;
  readonly children?: readonly Operator[];
}

/**
 * The joins that multiplied rows, from the profile of a computed view. If the key is unique on one side, an inner join
 * has at most as many rows as the other side, an outer join as both together. More rows prove that it is unique on
 * neither.
 */
export function multipliedJoins(profile: string): Join[] {
  const found: Join[] = [];
  const visit = (operator: Operator): void => {
    const { operator_type: type = '', operator_cardinality: rows = 0, extra_info: info = {}, children = [] } = operator;
    children.forEach(visit);
    const [left, right] = children.map(rowsOf);
    if (children.length !== 2 || left === undefined || right === undefined || !/JOIN|PRODUCT/.test(type)) return;
    const isInner = info['Join Type'] === undefined || info['Join Type'] === 'INNER';
    if (rows <= (isInner ? Math.max(left, right) : left + right)) return;
    const on = [info.Conditions ?? []].flat().map(String).join(' AND ');
    found.push({ on: on === '' ? null : on, left, right, rows });
  };
  visit(JSON.parse(profile) as Operator);
  return found;
}

/** The rows of an operator. Those that only pass rows on may count none of their own. */
function rowsOf({ operator_cardinality: rows = 0, children = [] }: Operator): number {
  const [only, ...more] = children;
  return rows === 0 && only && more.length === 0 ? rowsOf(only) : rows;
}
