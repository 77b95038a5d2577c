import type { Phase } from '../../../app/views/timeline.ts';
import { formatDuration } from '../../../lib/duration.ts';
import { type Html, html } from '../../../lib/html.ts';
import { bounded } from './text.ts';

const size = { width: 960, row: 22, label: 230, end: 90 } as const;
/** More phases are in the table below alone. */
const mostRows = 60;

const kindOf = ({ what, outcome, ms }: Phase): string => {
  if (/^(failed|error)/.test(outcome) || what === 'error') return 'bad';
  if (/pause|queued|held|away/.test(what)) return 'idle';
  return ms === undefined ? 'busy' : 'good';
};

/** The phases of a run over time, drawn; `says` is the text for those who do not see it. Pure. */
export function gantt(phases: readonly Phase[], now: number, says: string, goesOn: string): Html {
  const shown = phases.slice(0, mostRows);
  const from = Math.min(...shown.map((phase) => phase.from));
  const to = Math.max(from + 1, ...shown.map((phase) => phase.from + (phase.ms ?? Math.max(0, now - phase.from))));
  const wide = size.width - size.label - size.end;
  const x = (at: number): number => size.label + ((at - from) / (to - from)) * wide;
  const height = shown.length * size.row + 24;
  return html`<svg role="img" aria-label="${says}" width="${size.width}" height="${height}" viewBox="0 0 ${size.width} ${height}">
${[0, 0.25, 0.5, 0.75, 1].map((share) => {
  const at = size.label + share * wide;
  return html`<path class="grid" d="M${at.toFixed(1)} 0V${height - 20}"/><text class="small" x="${at.toFixed(1)}" y="${height - 6}" text-anchor="middle">${formatDuration(share * (to - from))}</text>`;
})}
${shown.map((phase, i) => {
  const y = i * size.row;
  const left = x(phase.from);
  const length = Math.max(2, x(phase.from + (phase.ms ?? Math.max(0, now - phase.from))) - left);
  const kind = kindOf(phase);
  // What waits is outlined, what goes on is open at its end.
  const bar =
    kind === 'idle'
      ? html`<rect class="stroke idle" fill="none" stroke-dasharray="3 2" x="${left.toFixed(1)}" y="${y + 5}" width="${length.toFixed(1)}" height="12"/>`
      : html`<rect class="fill ${kind}" x="${left.toFixed(1)}" y="${y + 5}" width="${length.toFixed(1)}" height="12"/>`;
  return html`<text class="label" x="0" y="${y + 16}">${bounded(phase.what, 32)}</text>${bar}<text class="small" x="${(left + length + 5).toFixed(1)}" y="${y + 16}">${phase.ms === undefined ? goesOn : formatDuration(phase.ms)}${kind === 'bad' && ' ✗'}</text>`;
})}</svg>`;
}
