import type { RunFilter, Starts } from '../../../domain/ports/run-filter.ts';
import { type Html, html } from '../../../lib/html.ts';
import { type Asking, seenPipelines } from '../../routes/shared.ts';
import type { View } from '../frame/view.ts';
import { type Bar, bars } from '../parts/bars.ts';

const hourMs = 3_600_000;

/** Counts of starts as a bar for each stretch of a time, also where nothing started. Pure. */
export function barsOf(all: readonly Starts[], from: number, to: number, everyMs: number): Bar[] {
  const first = from - (from % everyMs);
  return Array.from({ length: Math.max(0, Math.ceil((to - first) / everyMs)) }, (_, i): Bar => {
    const at = first + i * everyMs;
    const own = all.filter((each) => each.from === at);
    const sum = (isBad: boolean): number =>
      own.filter(({ state }) => (state === 'failed') === isBad).reduce((n, { runs }) => n + runs, 0);
    return { from: at, good: sum(false), bad: sum(true) };
  });
}

/** The starts of runs that meet a filter within the last hours, drawn; nothing when there were none. */
export async function startsPart(
  { api, principal }: Asking,
  filter: Omit<RunFilter, 'limit' | 'since' | 'until'>,
  hours: number,
  { t, now }: View,
): Promise<Html> {
  const everyHours = hours > 168 ? 24 : hours > 48 ? 6 : 1;
  const from = now - hours * hourMs;
  const found = await api.store.starts({ ...filter, ...seenPipelines(principal), since: from }, everyHours * hourMs);
  const total = found.reduce((n, { runs }) => n + runs, 0);
  if (total === 0) return html`<section id="starts" data-live></section>`;
  const failed = found.filter(({ state }) => state === 'failed').reduce((n, { runs }) => n + runs, 0);
  const nameOf = (at: number): string =>
    new Date(at)
      .toISOString()
      .slice(...(everyHours === 24 ? [5, 10] : [5, 16]))
      .replace('T', ' ');
  const says = t.run.starts(total, failed, hours);
  const drawn = bars(barsOf(found, from, now, everyHours * hourMs), says, nameOf);
  return html`<section id="starts" data-live><h2>${t.run.startsTitle(everyHours)}</h2><div class="scroll wide" tabindex="0" role="region" aria-label="${t.run.startsTitle(everyHours)}">${drawn}<p class="faint">${says} (UTC)</p></div></section>`;
}
