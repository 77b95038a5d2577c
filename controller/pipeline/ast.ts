import type { ASTNode } from '@marcbachmann/cel-js';

export const isNode = (value: unknown): value is ASTNode =>
  value !== null && typeof value === 'object' && 'op' in value;

/** The nodes below a node. */
export const childrenOf = (node: ASTNode): ASTNode[] => [node.args].flat(2).filter(isNode);

/** The path that a node names, such as `orders.rows`; undefined when it is another expression. */
export function pathOf(node: ASTNode): string | undefined {
  if (node.op === 'id') return node.args;
  if (node.op !== '.') return undefined;
  const parent = pathOf(node.args[0]);
  return parent === undefined ? undefined : `${parent}.${node.args[1]}`;
}
