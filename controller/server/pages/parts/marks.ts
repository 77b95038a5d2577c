import { type Html, html } from '../../../lib/html.ts';
import type { PageWords } from '../words/words.ts';
import { kindOfState } from './state.ts';

const width = 9;
const height = 24;

interface Shown {
  readonly t: PageWords;
  /** What they are about. */
  readonly of: string;
  /** What so many of them are. */
  readonly says: (n: number) => string;
}

/** Last times as small marks, the newest at the right: forms tell them apart, and a text counts them. */
export function marks(newestFirst: readonly string[], { t, of, says: what }: Shown): Html {
  const states = [...newestFirst].reverse();
  const counts = new Map<string, number>();
  for (const state of newestFirst) counts.set(state, (counts.get(state) ?? 0) + 1);
  const words = t.states as Readonly<Record<string, string>>;
  const counted = [...counts].map(([state, n]) => `${words[state] ?? state}: ${n}`).join(', ');
  const says = `${of}. ${what(states.length)}: ${counted}`;
  return html`<svg class="marks" role="img" aria-label="${says}" width="${states.length * width}" height="${height}" viewBox="0 0 ${states.length * width} ${height}">${states.map(
    (state, i) => mark(state, i * width),
  )}</svg>`;
}

function mark(state: string, x: number): Html {
  const kind = kindOfState(state);
  if (kind === 'bad')
    return html`<path class="stroke ${kind}" d="M${x + 1} 6l6 12m0-12l-6 12" stroke-width="2" fill="none"/>`;
  if (kind === 'warn') return html`<path class="fill ${kind}" d="M${x + 4} 4l4 17h-8z"/>`;
  if (kind === 'busy') return html`<path class="fill ${kind}" d="M${x + 1} 5l6 7-6 7z"/>`;
  if (kind === 'idle') return html`<rect class="fill ${kind}" x="${x + 1}" y="16" width="6" height="4"/>`;
  return html`<rect class="fill ${kind}" x="${x + 1}" y="4" width="6" height="16"/>`;
}

/** A line of values without axes, the newest at the right. */
export function sparkline(newestFirst: readonly (number | null)[], says: string): Html {
  const values = [...newestFirst].reverse().filter((value) => value !== null);
  if (values.length < 2) return html``;
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const step = 96 / (values.length - 1);
  const points = values.map((value, i) => {
    const y = high === low ? 12 : 22 - ((value - low) / (high - low)) * 20;
    return `${(2 + i * step).toFixed(1)},${y.toFixed(1)}`;
  });
  return html`<svg class="spark" role="img" aria-label="${says}" width="100" height="24" viewBox="0 0 100 24"><polyline class="stroke busy" fill="none" stroke-width="1.5" points="${points.join(' ')}"/></svg>`;
}
