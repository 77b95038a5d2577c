import { type ASTNode, Environment } from '@marcbachmann/cel-js';

export const environment = (): Environment => new Environment({ homogeneousAggregateLiterals: false });

export const isNode = (value: unknown): value is ASTNode =>
  value !== null && typeof value === 'object' && 'op' in value;

/** The nodes directly below a node. */
export const childrenOf = (node: ASTNode): ASTNode[] => [node.args].flat(2).filter(isNode);

/** All nodes of an expression; none when it does not parse, which its check reports. */
export function nodesIn(expression: string): ASTNode[] {
  const all = (node: ASTNode): ASTNode[] => [node, ...childrenOf(node).flatMap(all)];
  try {
    return all(environment().parse(expression).ast);
  } catch {
    return [];
  }
}

/** The path that a node names, such as `orders.rows`; undefined when it is another expression. */
export function pathOf(node: ASTNode): string | undefined {
  if (node.op === 'id') return node.args;
  if (node.op !== '.') return undefined;
  const parent = pathOf(node.args[0]);
  return parent === undefined ? undefined : `${parent}.${node.args[1]}`;
}

/** The variables that an expression uses. */
export const namesIn = (expression: string): string[] => [
  ...new Set(nodesIn(expression).flatMap((node) => (node.op === 'id' ? node.args : []))),
];
