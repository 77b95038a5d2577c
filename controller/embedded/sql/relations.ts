import { identifier } from '../../clients/sql.ts';
import { type Node, onlyKnows } from './ast.ts';
import { Expressions, type Subquery } from './expressions.ts';
import { type Column, namedColumns, type Relation, Scope, type Views } from './scope.ts';
import { alike, type Typed } from './typed.ts';
import { Untranslatable } from './types.ts';

interface Around {
  readonly views: Views;
  readonly outer: Scope | undefined;
  readonly subquery: Subquery;
}

/** A FROM clause in DuckDB's SQL, and the relations that it has. */
interface From {
  readonly sql: string;
  readonly relations: readonly Relation[];
}

export function fromOf(node: Node, around: Around): From {
  switch (node.type) {
    case 'EMPTY':
      return { sql: '', relations: [] };
    case 'BASE_TABLE':
      return tableOf(node, around);
    case 'SUBQUERY': {
      onlyKnows(node, ['subquery', 'column_name_alias'], 'a subquery');
      const { sql, columns } = queryIn(node, around);
      return relation(
        node,
        `(${sql})`,
        namedColumns(columns, node.column_name_alias as string[], node.alias ?? 'a subquery'),
      );
    }
    case 'EXPRESSION_LIST':
      return valuesOf(node, around);
    case 'JOIN':
      return joinOf(node, around);
    default:
      throw new Untranslatable(`${node.type.toLowerCase().replaceAll('_', ' ')} in FROM`, node.query_location);
  }
}

/** A subquery in FROM cannot see the relations beside it, only the query around. */
const queryIn = (node: Node, { outer, views, subquery }: Around) =>
  subquery((node.subquery as { node: Node }).node, outer ?? new Scope([], views));

/** A relation with a name for itself and for each of its columns. */
function relation(node: Node, sql: string, columns: readonly Column[]): From {
  const name = node.alias ?? '__subquery';
  const names = columns.map((column) => identifier(column.name)).join(', ');
  return { sql: `${sql} AS ${identifier(name)}(${names})`, relations: [{ name, columns }] };
}

function tableOf(node: Node, { views }: Around): From {
  onlyKnows(node, ['table_name', 'column_name_alias'], 'a table');
  const wanted = String(node.table_name);
  const view = views.get(wanted.toLowerCase());
  if (!view) throw new Untranslatable(`there is no view ${wanted}`, node.query_location);
  const columns = namedColumns(view.columns, node.column_name_alias as string[] | undefined, wanted);
  return relation({ ...node, alias: node.alias ?? wanted }, identifier(view.name), columns);
}

/** VALUES: each column gets the common type of its rows. Spark calls the columns col1, col2 and so on. */
function valuesOf(node: Node, { views, outer, subquery }: Around): From {
  onlyKnows(node, ['values', 'expected_names', 'expected_types', 'column_name_alias'], 'VALUES');
  const { of } = new Expressions(new Scope([], views, outer), subquery);
  const rows = (node.values as Node[][]).map((row) => row.map(of));
  const width = rows[0]?.length ?? 0;
  const columns = Array.from({ length: width }, (_, i) => alike(rows.map((row) => row[i] as Typed)));
  const lines = rows.map((_, n) => `(${columns.map(({ all }) => all[n]?.sql).join(', ')})`);
  const named = namedColumns(
    columns.map(({ type }, i) => ({ name: `col${i + 1}`, type })),
    node.column_name_alias as string[] | undefined,
    'VALUES',
  );
  return relation(node, `(VALUES ${lines.join(', ')})`, named);
}

const joins: Readonly<Record<string, string>> = {
  INNER: 'JOIN',
  LEFT: 'LEFT JOIN',
  RIGHT: 'RIGHT JOIN',
  OUTER: 'FULL JOIN',
  FULL: 'FULL JOIN',
  SEMI: 'SEMI JOIN',
  ANTI: 'ANTI JOIN',
};

function joinOf(node: Node, around: Around): From {
  onlyKnows(node, ['left', 'right', 'condition', 'join_type', 'ref_type', 'using_columns'], 'a join');
  const [left, right] = [fromOf(node.left as Node, around), fromOf(node.right as Node, around)];
  const kind = String(node.join_type);
  const join = joins[kind];
  if (join === undefined || !['REGULAR', 'CROSS'].includes(String(node.ref_type)))
    throw new Untranslatable(
      `a join of kind ${node.ref_type === 'REGULAR' ? kind : node.ref_type}`,
      node.query_location,
    );
  const both = [...left.relations, ...right.relations];
  // After a semi or anti join, only the left side is left.
  const relations = kind === 'SEMI' || kind === 'ANTI' ? left.relations : both;
  // Spark reads a comma before a join as one more relation of its left side; the tree does not show parentheses.
  if (node.ref_type === 'CROSS' && hasOuterJoin(node.right as Node))
    throw new Untranslatable(
      'a RIGHT or FULL join beside a comma or CROSS JOIN; put it in a subquery',
      node.query_location,
    );
  if (node.ref_type === 'CROSS') return { sql: `${left.sql} CROSS JOIN ${right.sql}`, relations };
  const using = node.using_columns as string[] | undefined;
  if (using) {
    if (!['INNER', 'LEFT', 'SEMI', 'ANTI'].includes(kind)) throw new Untranslatable(`USING in a ${kind} join`);
    const names = using.map((name) => name.toLowerCase());
    const merged = new Set(right.relations);
    const [first] = relations;
    const hiding = relations.map((each) => ({
      ...each,
      ...(merged.has(each) && { hidden: [...(each.hidden ?? []), ...names] }),
      ...(each === first && { keys: [...names, ...(each.keys ?? [])] }),
    }));
    return { sql: `${left.sql} ${join} ${right.sql} ON ${usingOf(using, left, right, around)}`, relations: hiding };
  }
  const scope = new Scope(both, around.views, around.outer);
  const on = new Expressions(scope, around.subquery).condition(node.condition);
  return { sql: `${left.sql} ${join} ${right.sql} ON ${on.sql}`, relations };
}

const hasOuterJoin = ({ type, join_type: kind, left, right }: Node): boolean =>
  type === 'JOIN' &&
  (['RIGHT', 'OUTER', 'FULL'].includes(String(kind)) || hasOuterJoin(left as Node) || hasOuterJoin(right as Node));

/** USING as a condition: each column of the left side equals that of the right. */
function usingOf(using: readonly string[], left: From, right: From, { views }: Around): string {
  const [a, b] = [new Scope(left.relations, views), new Scope(right.relations, views)];
  return using
    .map((name) => {
      const { all } = alike([a.column([name], undefined), b.column([name], undefined)]);
      return `${all[0]?.sql} = ${all[1]?.sql}`;
    })
    .join(' AND ');
}
