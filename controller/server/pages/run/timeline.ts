import type { Phase } from '../../../app/views/timeline.ts';
import { formatDuration } from '../../../lib/duration.ts';
import { type Html, html } from '../../../lib/html.ts';
import { iso } from '../../../lib/text.ts';
import type { View } from '../frame/view.ts';
import { gantt } from '../parts/gantt.ts';
import { table } from '../parts/table.ts';
import { isolated } from '../parts/text.ts';
import { moment } from '../parts/time.ts';

/** The phases of a run, drawn and as a table. */
export function timelinePart(phases: readonly Phase[], { t, now }: View): Html {
  const { run } = t;
  if (phases.length === 0)
    return html`<section id="timeline" data-live><h2>${run.timeline}</h2><p class="faint">${run.noTimeline}</p></section>`;
  const parts = (of: Phase): string =>
    Object.entries(of.parts)
      .map(([name, ms]) => `${name} ${formatDuration(ms)}`)
      .join(', ');
  return html`<section id="timeline" data-live><h2>${run.timeline}</h2>
<div class="scroll" tabindex="0" role="region" aria-label="${run.timeline}">${gantt(phases, now, `${run.timeline}: ${phases.length}`, run.goesOn)}
<details><summary>${run.asTable(phases.length)}</summary>${table({
    id: 'phases',
    caption: run.timeline,
    head: [run.phase, run.started, run.took, run.outcome, run.parts],
    rows: phases.map((each) => [
      isolated(each.what, 120),
      moment(iso(each.from)),
      each.ms === undefined ? run.goesOn : formatDuration(each.ms),
      each.outcome === '' ? null : isolated(each.outcome, 300),
      parts(each),
    ]),
    empty: run.noTimeline,
  })}</details></div></section>`;
}
