import { aggregates, type Call } from './aggregates.ts';
import { type Node, nodesIn, onlyKnows } from './ast.ts';
import { alike, retyped, type Typed, widened } from './typed.ts';
import { types, Untranslatable } from './types.ts';

type Of = (value: unknown) => Typed;

/** Spark's order: NULL comes first when ascending, last when descending. */
export function orderOf(node: Node, of: Of): string {
  const descending = node.type === 'DESCENDING';
  const nulls =
    { 'NULLS FIRST': 'FIRST', 'NULLS LAST': 'LAST' }[String(node.null_order)] ?? (descending ? 'LAST' : 'FIRST');
  return `${of(node.expression).sql} ${descending ? 'DESC' : 'ASC'} NULLS ${nulls}`;
}

const edges: Readonly<Record<string, string>> = {
  UNBOUNDED_PRECEDING: 'UNBOUNDED PRECEDING',
  UNBOUNDED_FOLLOWING: 'UNBOUNDED FOLLOWING',
  CURRENT_ROW_RANGE: 'CURRENT ROW',
  CURRENT_ROW_ROWS: 'CURRENT ROW',
  EXPR_PRECEDING_ROWS: 'PRECEDING',
  EXPR_FOLLOWING_ROWS: 'FOLLOWING',
};

function frameOf(node: Node, of: Of): string {
  const edge = (name: unknown, expression: unknown): string => {
    const known = edges[String(name)];
    if (known === undefined) throw new Untranslatable('a frame of a range of values', node.query_location);
    const digits = expression === undefined ? '' : of(expression).digits;
    if (digits === undefined)
      throw new Untranslatable('a frame of rows that is no constant number', node.query_location);
    return `${digits} ${known}`.trim();
  };
  const [start, end] = [edge(node.start, node.start_expr), edge(node.end, node.end_expr)];
  const isRows = /ROWS$/.test(`${node.start}`) || /ROWS$/.test(`${node.end}`);
  return `${isRows ? 'ROWS' : 'RANGE'} BETWEEN ${start} AND ${end}`;
}

/** Functions of a row's place; Spark counts in int. */
const places: readonly string[] = ['row_number', 'rank', 'dense_rank', 'ntile'];
const shares: readonly string[] = ['percent_rank', 'cume_dist'];
const values: readonly string[] = ['first_value', 'last_value'];
const shifts: readonly string[] = ['lag', 'lead'];

/** A window function. */
export function windowOf(node: Node, of: Of): Typed {
  const at = node.query_location;
  onlyKnows(
    node,
    [
      ...['function_name', 'schema', 'children', 'partitions', 'orders', 'start', 'end', 'start_expr', 'end_expr'],
      ...['offset_expr', 'default_expr', 'filter_expr'],
    ],
    'a window',
  );
  const name = String(node.function_name).toLowerCase();
  const args = nodesIn(node.children).map(of);
  const partitions = nodesIn(node.partitions).map((each) => of(each).sql);
  const orders = nodesIn(node.orders).map((each) => orderOf(each, of));
  const over = (frame = ''): string => {
    const parts = [
      partitions.length > 0 ? `PARTITION BY ${partitions.join(', ')}` : '',
      orders.length > 0 ? `ORDER BY ${orders.join(', ')}` : '',
      frame,
    ];
    return `OVER (${parts.filter((part) => part !== '').join(' ')})`;
  };
  const [x] = args;
  if (places.includes(name)) return retyped(`${name}(${x?.digits ?? ''}) ${over()}`, types.int);
  if (shares.includes(name)) return { sql: `${name}() ${over()}`, type: types.double };
  if (shifts.includes(name) && x) {
    const offset = node.offset_expr === undefined ? '1' : of(node.offset_expr).digits;
    if (offset === undefined) throw new Untranslatable('its offset must be a constant number', at);
    if (node.default_expr === undefined) return { sql: `${name}(${x.sql}, ${offset}) ${over()}`, type: x.type };
    const otherwise = widened(of(node.default_expr), x.type, at);
    return { sql: `${name}(${x.sql}, ${offset}, ${otherwise.sql}) ${over()}`, type: x.type };
  }
  const window = over(frameOf(node, of));
  if (values.includes(name) && x) return { sql: `${name}(${x.sql}) ${window}`, type: x.type };
  const aggregate = aggregates.get(name);
  if (!aggregate) throw new Untranslatable('is not one of the window functions that both engines have alike', at);
  const filter = node.filter_expr === undefined ? '' : ` FILTER (WHERE ${of(node.filter_expr).sql})`;
  const call: Call = (called, all) =>
    `${called}(${alike(all, at)
      .all.map(({ sql }) => sql)
      .join(', ')})${filter} ${window}`;
  return aggregate(args, call, at);
}
