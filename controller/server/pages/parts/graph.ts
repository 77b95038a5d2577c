import { type Html, html } from '../../../lib/html.ts';
import { signOf } from './state.ts';
import { bounded } from './text.ts';

export interface Node {
  readonly name: string;
  readonly state: string;
  readonly needs: readonly string[];
}

const box = { width: 170, height: 34, gapX: 50, gapY: 14 } as const;
/** More steps are in the table below alone. */
const mostNodes = 60;

/**
 * Places nodes in layers by their longest way from a node without needs, and within a layer near what they need. Needs
 * that are not among the nodes, or form a circle, are ignored. Pure.
 */
export function layered(nodes: readonly Node[]): Map<string, { readonly layer: number; readonly row: number }> {
  const known = new Map(nodes.map((node) => [node.name, node]));
  const layers = new Map<string, number>();
  const layerOf = (name: string, above: readonly string[]): number => {
    const done = layers.get(name);
    if (done !== undefined) return done;
    const needs = (known.get(name)?.needs ?? []).filter((each) => known.has(each) && !above.includes(each));
    const layer = Math.max(0, ...needs.map((each) => layerOf(each, [...above, name]) + 1));
    layers.set(name, layer);
    return layer;
  };
  for (const { name } of nodes) layerOf(name, [name]);
  const placed = new Map<string, { layer: number; row: number }>();
  for (let layer = 0; layer <= Math.max(0, ...layers.values()); layer++) {
    const centre = ({ needs }: Node): number => {
      const rows = needs.flatMap((each) => placed.get(each)?.row ?? []);
      return rows.length === 0 ? 0 : rows.reduce((sum, row) => sum + row, 0) / rows.length;
    };
    const members = nodes.filter(({ name }) => layers.get(name) === layer);
    for (const [row, { name }] of members.sort((a, b) => centre(a) - centre(b)).entries())
      placed.set(name, { layer, row });
  }
  return placed;
}

/** Steps and what they need, drawn; `says` is the text for those who do not see it. */
export function graph(all: readonly Node[], says: string): Html {
  const nodes = all.slice(0, mostNodes);
  const places = layered(nodes);
  const at = (name: string): { x: number; y: number } => {
    const { layer = 0, row = 0 } = places.get(name) ?? {};
    return { x: layer * (box.width + box.gapX) + 1, y: row * (box.height + box.gapY) + 1 };
  };
  const corners = nodes.map(({ name }) => at(name));
  const width = Math.max(...corners.map(({ x }) => x)) + box.width + 2;
  const height = Math.max(...corners.map(({ y }) => y)) + box.height + 2;
  const edges = nodes.flatMap(({ name, needs }) =>
    needs
      .filter((need) => places.has(need))
      .map((need) => {
        const [from, to] = [at(need), at(name)];
        const [x, y, toY] = [from.x + box.width, from.y + box.height / 2, to.y + box.height / 2];
        return html`<path class="stroke idle" fill="none" d="M${x} ${y}C${x + 25} ${y} ${to.x - 25} ${toY} ${to.x} ${toY}"/>`;
      }),
  );
  return html`<svg role="img" aria-label="${says}" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">${edges}${nodes.map(
    ({ name, state }) => {
      const { x, y } = at(name);
      return html`<g><rect class="node" rx="5" x="${x}" y="${y}" width="${box.width}" height="${box.height}"/><text class="label" x="${x + 10}" y="${y + 22}">${signOf(state)} ${bounded(name, 20)}</text></g>`;
    },
  )}</svg>`;
}
