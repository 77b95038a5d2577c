import { type Document, isAlias, isMap, isScalar, type Node, visit } from 'yaml';

/** Limits of a YAML file, far above anything written by hand. */
const longestText = 1 << 16;
const mostEntries = 1000;

/** A rejected part of a YAML file: the node and the problem. */
export interface Refused {
  readonly node: Node | undefined;
  readonly message: string;
}

/**
 * The first part of a document that exceeds a limit or is not a plain map, list or text; undefined when there is none.
 */
export function refusedIn(document: Document.Parsed): Refused | undefined {
  let refused: Refused | undefined;
  const refuse = (node: unknown, message: string): symbol => {
    refused = { node: node as Node, message };
    return visit.BREAK;
  };
  visit(document, {
    Alias: (_key, alias, ancestors) =>
      ancestors.includes(alias.resolve(document) as Node)
        ? refuse(alias, `*${alias.source} contains itself`)
        : undefined,
    Scalar: (_key, scalar) =>
      typeof scalar.value === 'string' && scalar.value.length > longestText
        ? refuse(scalar, `a text is longer than ${longestText / 1024} KiB`)
        : undefined,
    Collection(_key, collection) {
      const { items } = collection;
      if (items.length > mostEntries)
        return refuse(collection, `there are ${items.length} entries, the most that can be are ${mostEntries}`);
      if (!isMap(collection)) return undefined;
      const names = new Set<string>();
      for (const { key } of collection.items) {
        const name = isAlias(key) ? key.resolve(document) : key;
        if (!isScalar(name) || name.value === null) return refuse(key ?? collection, 'a name must be a text');
        const text = String(name.value);
        if (text === '__proto__') return refuse(key, `"${text}" cannot be a name`);
        if (names.has(text)) return refuse(key, `the key "${text}" is there twice`);
        names.add(text);
      }
      return undefined;
    },
  });
  return refused;
}
