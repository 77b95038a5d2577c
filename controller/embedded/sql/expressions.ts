import { aggregates, type Call } from './aggregates.ts';
import { arithmetic } from './arithmetic.ts';
import { type Node, nodesIn, onlyKnows } from './ast.ts';
import { constant } from './constants.ts';
import { coalesce, functions } from './functions.ts';
import { betweens, compared, comparisons, like, noPredicate, sign, truth } from './predicates.ts';
import type { Column, Scope } from './scope.ts';
import { alike, cast, type Typed } from './typed.ts';
import { decimal, nameOf, typeNamed, types, Untranslatable } from './types.ts';
import { windowOf } from './windows.ts';

/** A query as DuckDB's SQL, with the columns that it has in Spark; those without a name have none. */
export interface Query {
  readonly sql: string;
  readonly columns: readonly (Omit<Column, 'name'> & { readonly name: string | undefined })[];
}

/** Translates a subquery within a scope. */
export type Subquery = (node: Node, outer: Scope) => Query;

/** Translates expressions of one scope. */
export class Expressions {
  readonly scope: Scope;
  private readonly subquery: Subquery;
  /** The subqueries of IN whose NULL means the same as false. */
  private readonly filters = new Set<unknown>();

  constructor(scope: Scope, subquery: Subquery) {
    this.scope = scope;
    this.subquery = subquery;
  }

  readonly of = (value: unknown): Typed => {
    const node = value as Node;
    const at = node.query_location;
    switch (node.class) {
      case 'COLUMN_REF':
        return this.scope.column(node.column_names as string[], at);
      case 'CONSTANT':
        return constant(node);
      case 'CAST':
        return this.cast(node);
      case 'FUNCTION':
        return named(String(node.function_name), at, () => this.call(node));
      case 'WINDOW':
        return named(String(node.function_name), at, () => windowOf(node, this.of));
      case 'CASE':
        return this.choice(node);
      case 'COMPARISON':
        return this.comparison(node);
      case 'BETWEEN': {
        noPredicate(node.input, node.lower, node.upper);
        const { all } = alike([node.input, node.lower, node.upper].map(this.of), at);
        return truth(`${all[0]?.sql} ${betweens[node.type] ?? refuse(node)} ${all[1]?.sql} AND ${all[2]?.sql}`);
      }
      case 'CONJUNCTION':
        return truth(
          nodesIn(node.children)
            .map((each) => this.condition(each).sql)
            .join(node.type === 'CONJUNCTION_AND' ? ' AND ' : ' OR '),
        );
      case 'OPERATOR':
        return this.operator(node);
      case 'SUBQUERY':
        return this.nested(node);
      default:
        return refuse(node);
    }
  };

  /** An expression that must be a truth value. */
  condition(value: unknown): Typed {
    const found = this.of(value);
    if (found.type.is === 'null') return cast(found, types.boolean);
    if (found.type.is !== 'boolean')
      throw new Untranslatable(`${nameOf(found.type)} is not a condition`, (value as Node).query_location);
    return found;
  }

  /** The condition of WHERE. Spark knows IN of a subquery as a filter; as a value it is never NULL there. */
  filter(value: unknown): Typed {
    const mark = (node: Node): void => {
      if (node.type === 'CONJUNCTION_AND') nodesIn(node.children).forEach(mark);
      else this.filters.add(node.type === 'OPERATOR_NOT' ? nodesIn(node.children)[0] : node);
    };
    mark(value as Node);
    return this.condition(value);
  }

  private cast(node: Node): Typed {
    const at = node.query_location;
    onlyKnows(node, ['child', 'cast_type'], 'a cast');
    const { id, type_info: info = {} } = node.cast_type as { id: string; type_info?: Record<string, unknown> };
    const { width = 18, scale = 0 } = info as { width?: number; scale?: number };
    const type = id === 'DECIMAL' ? decimal(width, scale) : typeNamed(id);
    if (!type || type.is === 'null') throw new Untranslatable(`the type ${id.toLowerCase()}`, at);
    // What has been cast is no constant any more.
    const { sql, type: to } = cast(this.of(node.child), type, at);
    return { sql, type: to };
  }

  private call(node: Node): Typed {
    const at = node.query_location;
    const name = String(node.function_name).toLowerCase();
    onlyKnows(
      node,
      ['function_name', 'schema', 'children', 'order_bys', 'is_operator', 'distinct', 'filter'],
      'a call',
    );
    const ordered = Object.keys(node.order_bys ?? {}).some((field) => field !== 'type');
    if (ordered) throw new Untranslatable('with an order', at);
    const args = nodesIn(node.children).map(this.of);
    const aggregate = aggregates.get(name);
    if (aggregate) {
      const filter = node.filter === undefined ? '' : ` FILTER (WHERE ${this.condition(node.filter).sql})`;
      const distinct = node.distinct === true ? 'DISTINCT ' : '';
      const call: Call = (of, all) => `${of}(${distinct}${all.map(({ sql }) => sql).join(', ')})${filter}`;
      return aggregate(args, call, at);
    }
    if (node.distinct !== undefined || node.filter !== undefined) throw new Untranslatable('DISTINCT or FILTER', at);
    const [a, b] = args;
    if (node.is_operator === true && /^[-+*/%]$|^\/\/$/.test(name) && a)
      return b ? arithmetic(name, a, b, at) : sign(name, a, at);
    if (name === '~~' || name === '!~~') {
      noPredicate(...nodesIn(node.children));
      return like(name, args, at);
    }
    const translation = functions.get(name);
    if (!translation) throw new Untranslatable('is not one of the functions that both engines have alike', at);
    return translation(args, at);
  }

  private choice(node: Node): Typed {
    onlyKnows(node, ['case_checks', 'else_expr'], 'CASE');
    const checks = nodesIn(node.case_checks);
    const conditions = checks.map((check) => this.condition(check.when_expr).sql);
    const { all, type } = alike(
      [...checks.map((check) => check.then_expr), node.else_expr].map(this.of),
      node.query_location,
    );
    const whens = conditions.map((condition, i) => `WHEN ${condition} THEN ${all[i]?.sql}`);
    return { sql: `(CASE ${whens.join(' ')} ELSE ${all.at(-1)?.sql} END)`, type };
  }

  private comparison(node: Node): Typed {
    const operator = comparisons[node.type] ?? refuse(node);
    noPredicate(node.left, node.right);
    return compared(operator, [this.of(node.left), this.of(node.right)], node.query_location);
  }

  private operator(node: Node): Typed {
    const children = nodesIn(node.children);
    switch (node.type) {
      case 'OPERATOR_NOT':
        return truth(`NOT ${this.condition(children[0]).sql}`);
      case 'OPERATOR_IS_NULL':
      case 'OPERATOR_IS_NOT_NULL':
        noPredicate(children[0]);
        return truth(`${this.of(children[0]).sql} IS ${node.type === 'OPERATOR_IS_NULL' ? '' : 'NOT '}NULL`);
      case 'COMPARE_IN':
      case 'COMPARE_NOT_IN': {
        noPredicate(...children);
        const { all } = alike(children.map(this.of), node.query_location);
        const [value, ...list] = all.map(({ sql }) => sql);
        return truth(`${value} ${node.type === 'COMPARE_IN' ? '' : 'NOT '}IN (${list.join(', ')})`);
      }
      case 'OPERATOR_COALESCE':
        return coalesce(children.map(this.of), node.query_location);
      default:
        return refuse(node);
    }
  }

  private nested(node: Node): Typed {
    onlyKnows(node, ['subquery_type', 'subquery', 'child', 'comparison_type'], 'a subquery');
    const { sql, columns } = this.subquery((node.subquery as { node: Node }).node, this.scope);
    const [column, ...more] = columns;
    if (node.subquery_type === 'EXISTS') return truth(`EXISTS (${sql})`);
    if (node.subquery_type === 'NOT_EXISTS') return truth(`NOT EXISTS (${sql})`);
    if (!column || more.length > 0) throw new Untranslatable('a subquery of several columns', node.query_location);
    if (node.subquery_type === 'SCALAR') return { sql: `(${sql})`, type: column.type };
    if (node.subquery_type !== 'ANY' || node.comparison_type !== 'COMPARE_EQUAL') return refuse(node);
    if (!this.filters.has(node)) throw new Untranslatable('IN of a subquery outside of WHERE', node.query_location);
    const value = this.of(node.child);
    if (nameOf(value.type) !== nameOf(column.type))
      throw new Untranslatable(
        `IN of ${nameOf(value.type)} and ${nameOf(column.type)}; write a CAST`,
        node.query_location,
      );
    return truth(`${value.sql} IN (${sql})`);
  }
}

/** Puts the name of a function before the reason why it cannot be translated. */
function named(name: string, at: number | undefined, translate: () => Typed): Typed {
  try {
    return translate();
  } catch (error) {
    if (!(error instanceof Untranslatable) || (error.at !== undefined && error.at !== at)) throw error;
    throw error.after(name, at);
  }
}

function refuse(node: Node): never {
  const what = [node.class, node.type].filter((each) => each !== undefined).join(' ');
  throw new Untranslatable(
    `${what.toLowerCase().replaceAll('_', ' ')} is not known to the embedded engine`,
    node.query_location,
  );
}
