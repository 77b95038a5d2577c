import type { Duck } from '../../clients/duckdb.ts';
import { literal } from '../../clients/sql.ts';
import { reasonOf } from '../../lib/errors.ts';
import { Untranslatable } from './types.ts';

/** A node of DuckDB's parse tree, with the fields of all kinds. Those left out have their default. */
export interface Node {
  readonly class?: string;
  readonly type: string;
  readonly alias?: string;
  readonly query_location?: number;
  // Any other field is checked where it is used; one that nobody knows is refused.
  readonly [field: string]: unknown;
}

/** The tree of one query. Throws Untranslatable when it is not one. */
export async function parse(duck: Duck, query: string): Promise<Node> {
  const options = 'skip_default := true, skip_empty := true, skip_null := true';
  const [row] = await duck
    .rows(`SELECT CAST(json_serialize_sql(${literal(query)}, ${options}) AS VARCHAR) AS tree`)
    .catch((error: unknown) => {
      throw new Untranslatable(`it cannot be parsed: ${reasonOf(error).split('\n', 1)[0]}`);
    });
  // Numbers beyond 2^53 stay exact as texts. Within texts of the tree, quotes are escaped.
  const text = String(row?.tree).replace(/("(?:value|upper|lower)":)(-?\d{15,})(?=[,}\]])/g, '$1"$2"');
  const tree = JSON.parse(text) as {
    error: boolean;
    error_message?: string;
    position?: string;
    statements?: { node: Node }[];
  };
  const [statement, ...more] = tree.statements ?? [];
  if (tree.error || !statement || more.length > 0)
    throw new Untranslatable(
      tree.error_message?.split('\n', 1)[0] ?? 'it is not one query',
      tree.position === undefined ? undefined : Number(tree.position),
    );
  return statement.node;
}

export const nodesIn = (value: unknown): readonly Node[] => (value ?? []) as readonly Node[];

/** Throws for fields of a node that the translation does not know: they may have a meaning. */
export function onlyKnows(node: Node, known: readonly string[], what: string): void {
  const more = Object.keys(node).find(
    (field) => !['class', 'type', 'alias', 'query_location', ...known].includes(field),
  );
  if (more !== undefined) throw new Untranslatable(`${what} with ${more.replaceAll('_', ' ')}`, node.query_location);
}
