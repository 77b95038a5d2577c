import { identifier } from '../../clients/sql.ts';
import { type Node, nodesIn, onlyKnows } from './ast.ts';
import { Expressions, type Query } from './expressions.ts';
import { fromOf } from './relations.ts';
import { namedColumns, Scope, type Views } from './scope.ts';
import { cast } from './typed.ts';
import { commonType, type SparkType, Untranslatable } from './types.ts';
import { orderOf } from './windows.ts';

/** Translates a query. Throws Untranslatable for what DuckDB lacks or means otherwise. */
export function queryOf(node: Node, views: Views, outer?: Scope): Query {
  const { ctes, known } = withOf(node, views, outer);
  if (node.type === 'SELECT_NODE') return prefixed(ctes, selectOf(node, known, outer));
  if (node.type === 'SET_OPERATION_NODE') return prefixed(ctes, setOf(node, known, outer));
  throw new Untranslatable(`${node.type.toLowerCase().replaceAll('_', ' ')} is not known to the embedded engine`);
}

const prefixed = (ctes: readonly string[], { sql, columns }: Query): Query => ({
  sql: ctes.length === 0 ? sql : `WITH ${ctes.join(', ')} ${sql}`,
  columns,
});

/** The names that a WITH clause adds. */
function withOf(node: Node, views: Views, outer: Scope | undefined): { ctes: string[]; known: Views } {
  const known = new Map(views);
  const ctes: string[] = [];
  const { map = [] } = (node.cte_map ?? {}) as { map?: { key: string; value: Record<string, unknown> }[] };
  for (const { key, value } of map) {
    const more = Object.keys(value).find((field) => !['query', 'materialized', 'aliases'].includes(field));
    if (more !== undefined) throw new Untranslatable(`WITH ${key} with ${more}`);
    const { sql, columns } = queryOf((value.query as { node: Node }).node, known, outer);
    const named = namedColumns(columns, value.aliases as string[] | undefined, key);
    ctes.push(`${identifier(key)}(${named.map(({ name }) => identifier(name)).join(', ')}) AS (${sql})`);
    known.set(key.toLowerCase(), { name: key, columns: named });
  }
  return { ctes, known };
}

function selectOf(node: Node, views: Views, outer: Scope | undefined): Query {
  onlyKnows(
    node,
    [
      ...['modifiers', 'cte_map', 'select_list', 'from_table', 'where_clause', 'group_expressions', 'group_sets'],
      ...['aggregate_handling', 'having'],
    ],
    'SELECT',
  );
  if (node.aggregate_handling !== 'STANDARD_HANDLING') throw new Untranslatable('GROUP BY ALL');
  if (nodesIn(node.group_sets).length > 1 || (node.group_sets && !node.group_expressions))
    throw new Untranslatable('GROUPING SETS, ROLLUP or CUBE');
  const subquery = (inner: Node, around: Scope): Query => queryOf(inner, views, around);
  const from = fromOf(node.from_table as Node, { views, outer, subquery });
  const scope = new Scope(from.relations, views, outer);
  const expressions = new Expressions(scope, subquery);
  // WHERE knows no alias.
  const where = node.where_clause === undefined ? '' : `WHERE ${expressions.filter(node.where_clause).sql}`;
  // An alias may be used by the expressions after it.
  const items = nodesIn(node.select_list).flatMap((item) => {
    if (item.class === 'STAR') return starOf(item, scope);
    const { sql, type } = expressions.of(item);
    const name = item.alias ?? (item.class === 'COLUMN_REF' ? (item.column_names as string[]).at(-1) : undefined);
    if (item.alias !== undefined) scope.define(item.alias, type);
    return [{ sql: type.is === 'null' ? 'NULL' : sql, type, name }];
  });
  const { distinct, tail } = modifiersOf(node, (value) => ordered(value, expressions, items));
  const groups = nodesIn(node.group_expressions).map((each) => place(each, items) ?? expressions.of(each).sql);
  const list = items.map(({ sql, name }, i) => `${sql} AS ${identifier(name ?? `__column_${i + 1}`)}`);
  const parts = [
    `SELECT ${distinct ? 'DISTINCT ' : ''}${list.join(', ')}`,
    from.sql === '' ? '' : `FROM ${from.sql}`,
    where,
    groups.length === 0 ? '' : `GROUP BY ${groups.join(', ')}`,
    node.having === undefined ? '' : `HAVING ${expressions.condition(node.having).sql}`,
    tail,
  ];
  return {
    sql: parts.filter((part) => part !== '').join(' '),
    columns: items.map(({ name, type }) => ({ name, type })),
  };
}

interface Item {
  readonly sql: string;
  readonly type: SparkType;
  readonly name: string | undefined;
}

function starOf(item: Node, scope: Scope): Item[] {
  onlyKnows(item, ['relation_name'], '*');
  const of = item.relation_name as string | undefined;
  const relations = scope.relations.filter(({ name }) => of === undefined || name.toLowerCase() === of.toLowerCase());
  if (relations.length === 0) throw new Untranslatable(`there is nothing for ${of ?? ''}.* to stand for`);
  const all = relations.flatMap(({ name: relation, columns, hidden = [] }) =>
    columns
      .filter(({ name }) => of !== undefined || !hidden.includes(name.toLowerCase()))
      .map(({ name, type }) => ({ sql: `${identifier(relation)}.${identifier(name)}`, type, name })),
  );
  // Spark shows the columns of USING first, also of one relation.
  const keys = scope.relations.flatMap((relation) => relation.keys ?? []);
  const place = ({ name = '' }: Item): number => {
    const at = keys.indexOf(name.toLowerCase());
    return at < 0 ? keys.length : at;
  };
  return all.toSorted((a, b) => place(a) - place(b));
}

/** The number of a column in the select list, as GROUP BY and ORDER BY may give it. */
function place(value: Node, items: readonly Item[]): string | undefined {
  const { type, value: n } = (value.value ?? {}) as { type?: { id: string }; value?: unknown };
  if (value.class !== 'CONSTANT') return undefined;
  if (type?.id === 'INTEGER' && Number(n) >= 1 && Number(n) <= items.length) return String(n);
  throw new Untranslatable('a constant in GROUP BY or ORDER BY', value.query_location);
}

/** An expression of ORDER BY: a number, a name of the select list, or any other. */
function ordered(value: unknown, expressions: Expressions, items: readonly Item[]): { sql: string; type: SparkType } {
  const node = value as Node;
  const number = place(node, items);
  if (number !== undefined) return { sql: number, type: (items[Number(number) - 1] as Item).type };
  const [name, ...more] = node.class === 'COLUMN_REF' ? (node.column_names as string[]) : [];
  const item = items.find((each) => name !== undefined && each.name?.toLowerCase() === name.toLowerCase());
  if (item?.name !== undefined && more.length === 0) return { sql: identifier(item.name), type: item.type };
  // Spark means the select list, DuckDB the column.
  const shadowed = namesIn(node).find((each) => {
    const own = items.find((any) => any.name?.toLowerCase() === each);
    return own && expressions.scope.has(each) && expressions.scope.column([each], undefined).sql !== own.sql;
  });
  if (shadowed !== undefined)
    throw new Untranslatable(
      `ORDER BY an expression of ${shadowed}, which is a name of the select list too`,
      node.query_location,
    );
  return expressions.of(node);
}

/** The names without a relation in an expression, in lower case. */
function namesIn(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return [];
  const { class: kind, column_names: names } = value as Node;
  if (kind === 'COLUMN_REF')
    return (names as string[]).length === 1 ? [String((names as string[])[0]).toLowerCase()] : [];
  return Object.values(value).flatMap(namesIn);
}

function modifiersOf(node: Node, of: (value: unknown) => { sql: string; type: SparkType }) {
  let distinct = false;
  const tail: string[] = [];
  for (const modifier of nodesIn(node.modifiers)) {
    onlyKnows(modifier, ['orders', 'limit', 'offset'], 'DISTINCT ON or a limit');
    if (modifier.type === 'DISTINCT_MODIFIER') distinct = true;
    else if (modifier.type === 'ORDER_MODIFIER')
      tail.push(
        `ORDER BY ${nodesIn(modifier.orders)
          .map((each) => orderOf(each, of))
          .join(', ')}`,
      );
    else if (modifier.type === 'LIMIT_MODIFIER') {
      if (modifier.limit !== undefined) tail.push(`LIMIT ${count(modifier.limit)}`);
      if (modifier.offset !== undefined) tail.push(`OFFSET ${count(modifier.offset)}`);
    } else throw new Untranslatable(modifier.type.toLowerCase().replaceAll('_', ' '));
  }
  return { distinct, tail: tail.join(' ') };
}

function count(value: unknown): string {
  const { value: n } = ((value as Node).value ?? {}) as { value?: unknown };
  if (!/^\d+$/.test(String(n))) throw new Untranslatable('a limit that is not a constant number');
  return String(n);
}

/** UNION, EXCEPT or INTERSECT: the columns of both sides get their common types, and the names of the first. */
function setOf(node: Node, views: Views, outer: Scope | undefined): Query {
  onlyKnows(node, ['modifiers', 'cte_map', 'setop_type', 'left', 'right', 'children', 'setop_all'], 'a set operation');
  const sides = (node.children === undefined ? [node.left, node.right] : nodesIn(node.children)).map((each) =>
    queryOf(each as Node, views, outer),
  );
  const [first, ...others] = sides as [Query, ...Query[]];
  const columns = first.columns.map(({ name, type }, i) => ({
    name,
    type: others.reduce<SparkType>((common, side) => {
      const other = side.columns[i];
      if (!other || side.columns.length !== first.columns.length)
        throw new Untranslatable(`${node.setop_type} of ${first.columns.length} and ${side.columns.length} columns`);
      return commonType(common, other.type);
    }, type),
  }));
  const names = columns.map((_, i) => identifier(`__column_${i + 1}`));
  const aligned = sides.map((side) => {
    const list = columns.map(
      ({ type }, i) => cast({ sql: names[i] as string, type: side.columns[i]?.type ?? type }, type).sql,
    );
    return `SELECT ${list.join(', ')} FROM (${side.sql}) AS "__side"(${names.join(', ')})`;
  });
  const operator = `${node.setop_type}${node.setop_all === false ? '' : ' ALL'}`;
  const { distinct, tail } = modifiersOf(node, (value) =>
    ordered(
      value,
      noExpressions(views),
      columns.map((each) => ({ sql: '', ...each })),
    ),
  );
  const outside = columns.map(({ name }, i) => `${names[i]} AS ${identifier(name ?? `__column_${i + 1}`)}`);
  const all = `(${aligned.join(` ${operator} `)}) AS "__all"(${names.join(', ')})`;
  const sql = `SELECT ${distinct ? 'DISTINCT ' : ''}${outside.join(', ')} FROM ${all} ${tail}`.trim();
  return { sql, columns };
}

/** ORDER BY after a set operation knows only the names of its columns. */
const noExpressions = (views: Views): Expressions =>
  new Expressions(new Scope([], views), () => {
    throw new Untranslatable('a subquery in ORDER BY');
  });
