import { identifier } from '../../clients/sql.ts';
import type { Typed } from './typed.ts';
import { type SparkType, Untranslatable } from './types.ts';

/** A column of a view or query, by its name in Spark. */
export interface Column {
  readonly name: string;
  readonly type: SparkType;
}

/** Names for all columns of a query; one that Spark would name itself gets a name that nothing can refer to. */
export function namedColumns(
  columns: readonly { readonly name: string | undefined; readonly type: SparkType }[],
  names: readonly string[] | undefined,
  what: string,
): Column[] {
  if (names && names.length !== columns.length)
    throw new Untranslatable(`${what} has ${columns.length} columns, and ${names.length} names for them`);
  const named = columns.map(({ name, type }, i) => ({ name: names?.[i] ?? name ?? `__column_${i + 1}`, type }));
  const folded = named.map(({ name }) => name.toLowerCase());
  const twice = named.find((_, i) => folded.indexOf(folded[i] as string) !== i);
  if (twice) throw new Untranslatable(`${what} has two columns called ${twice.name}`);
  return named;
}

/** The views that a query can read, by their names in lower case. */
export type Views = ReadonlyMap<string, { readonly name: string; readonly columns: readonly Column[] }>;

/** A relation in a FROM clause, under its name there. Columns that USING has merged are hidden. */
export interface Relation {
  readonly name: string;
  readonly columns: readonly Column[];
  readonly hidden?: readonly string[];
  /** The columns of USING, in lower case; `*` shows them first. */
  readonly keys?: readonly string[];
}

const same = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();

/** What names mean in a query: columns of its relations, then its own aliases, then the query around it. */
export class Scope {
  readonly relations: readonly Relation[];
  readonly views: Views;
  private readonly outer: Scope | undefined;
  private readonly aliases = new Map<string, SparkType>();

  constructor(relations: readonly Relation[], views: Views, outer?: Scope) {
    this.relations = relations;
    this.views = views;
    this.outer = outer;
    const names = relations.map(({ name }) => name.toLowerCase());
    const twice = names.find((name, i) => names.indexOf(name) !== i);
    if (twice !== undefined) throw new Untranslatable(`two relations are called ${twice}; give one another name`);
  }

  /** Adds the alias of an expression of the select list. */
  define(alias: string, type: SparkType): void {
    this.aliases.set(alias.toLowerCase(), type);
  }

  /** The type of an alias of the select list. */
  alias(name: string): SparkType | undefined {
    return this.aliases.get(name.toLowerCase());
  }

  /** Whether a relation has a column of this name. */
  has(column: string): boolean {
    return this.relations.some(({ columns }) => columns.some(({ name }) => same(name, column)));
  }

  /** A column by its name, or by the names of relation and column. */
  column(names: readonly string[], at: number | undefined): Typed {
    const found = this.find(names, at);
    if (!found) throw new Untranslatable(`there is no column ${names.join('.')}`, at);
    return found;
  }

  private find(names: readonly string[], at: number | undefined, isOuter = false): Typed | undefined {
    const column = names.at(-1) ?? '';
    const [relation, ...deeper] = names.slice(0, -1);
    if (deeper.length > 0) throw new Untranslatable(`${names.join('.')} is a field of a struct`, at);
    const found = this.relations.flatMap(({ name, columns, hidden = [] }) =>
      relation === undefined
        ? hidden.some((each) => same(each, column))
          ? []
          : matching(name, columns, column)
        : same(name, relation)
          ? matching(name, columns, column)
          : [],
    );
    if (found.length > 1) throw new Untranslatable(`${column} is ambiguous; name its relation`, at);
    const [only] = found;
    if (only) return only;
    const own = relation === undefined && !isOuter ? this.alias(column) : undefined;
    return own ? { sql: identifier(column), type: own } : this.outer?.find(names, at, true);
  }
}

const matching = (relation: string, columns: readonly Column[], wanted: string): Typed[] =>
  columns
    .filter(({ name }) => same(name, wanted))
    .map(({ name, type }) => ({ sql: `${identifier(relation)}.${identifier(name)}`, type }));
