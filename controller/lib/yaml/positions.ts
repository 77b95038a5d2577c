import { type Document, isAlias, isMap, isScalar, isSeq, type LineCounter, type Node } from 'yaml';

/** A position in a YAML file: line and column, both from 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/**
 * Finds the line and column of a key path in a parsed YAML document; where the path ends early, those of the nearest
 * parent. With `key`, it finds that key's name rather than its value.
 */
export function positionOf(
  document: Document,
  lines: LineCounter,
  path: readonly PropertyKey[],
  key?: string,
): Position {
  let node: unknown = document.contents;
  let best = node;
  const steps = key === undefined ? path : [...path, key];
  for (const [index, step] of steps.entries()) {
    if (isAlias(node)) node = node.resolve(document);
    if (isMap(node)) {
      const pair = node.items.find((item) => isScalar(item.key) && String(item.key.value) === String(step));
      if (!pair) break;
      const wantsKey = key !== undefined && index === steps.length - 1;
      best = wantsKey || pair.value === null ? pair.key : pair.value;
      node = pair.value;
    } else if (isSeq(node)) {
      const item = node.items[Number(step)];
      if (item === undefined) break;
      best = item;
      node = item;
    } else break;
  }
  const at = lines.linePos((best as Node | null)?.range?.[0] ?? 0);
  return { line: at.line, column: at.col };
}
