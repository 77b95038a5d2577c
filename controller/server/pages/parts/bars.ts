import { type Html, html } from '../../../lib/html.ts';

const size = { width: 1180, height: 74, bars: 52, label: 34 } as const;

/** What happened within a stretch of time: how often, and how often it went wrong. */
export interface Bar {
  readonly from: number;
  readonly good: number;
  readonly bad: number;
}

/** Bars over time; what went wrong is at the top, and hatched by its outline. `says` is the text for those who do not see it. Pure. */
export function bars(all: readonly Bar[], says: string, nameOf: (from: number) => string): Html {
  const most = Math.max(1, ...all.map(({ good, bad }) => good + bad));
  const step = (size.width - size.label) / Math.max(1, all.length);
  const tall = (n: number): number => (n / most) * size.bars;
  const every = Math.ceil(all.length / 8);
  return html`<svg role="img" aria-label="${says}" width="${size.width}" height="${size.height}" viewBox="0 0 ${size.width} ${size.height}">
<path class="grid" d="M${size.label} ${size.bars + 2.5}H${size.width}"/><text class="small" x="${size.label - 6}" y="11" text-anchor="end">${most}</text><text class="small" x="${size.label - 6}" y="${size.bars + 3}" text-anchor="end">0</text>
${all.map(({ from, good, bad }, i) => {
  const x = (size.label + i * step + 1).toFixed(1);
  const width = Math.max(1, Math.min(40, step - 2)).toFixed(1);
  const of = (n: number, above: number, kind: string): Html | false =>
    n > 0 &&
    html`<rect class="fill ${kind}" x="${x}" y="${(size.bars + 2 - tall(n + above)).toFixed(1)}" width="${width}" height="${Math.max(1, tall(n)).toFixed(1)}"/>`;
  return html`${of(good, 0, 'busy')}${of(bad, good, 'bad')}${i % every === 0 && Number(x) < size.width - 70 && html`<text class="small" x="${x}" y="${size.height - 6}">${nameOf(from)}</text>`}`;
})}</svg>`;
}
