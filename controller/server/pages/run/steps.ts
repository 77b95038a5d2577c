import type { RunDocument } from '../../../app/views/documents.ts';
import type { RunState } from '../../../domain/state.ts';
import { type Html, html } from '../../../lib/html.ts';
import type { View } from '../frame/view.ts';
import { graph } from '../parts/graph.ts';
import { badge } from '../parts/state.ts';
import { table } from '../parts/table.ts';
import { isolated, linkTo, pathTo } from '../parts/text.ts';
import { took } from '../parts/time.ts';

type Attempt = RunDocument['steps'][number]['attempts'][number];

function attempt(run: string, step: string, of: Attempt, { t, now }: View): Html {
  const { attempt: number, state, started, ended, ui, failure, message } = of;
  const log = `${pathTo('runs', run, 'steps', step, 'attempts', String(number))}`;
  return html`<li>${t.run.attempt} ${number}: ${badge(state, t)} ${took(started, ended, now)} ${linkTo(log, t.run.log)}${
    ui !== null && /^https?:/.test(ui) && html` <a href="${ui}" rel="noreferrer">${t.run.sparkUi}</a>`
  }${failure !== null && html`<br>${isolated(failure, 60)}: ${isolated(message ?? '', 400)}`}</li>`;
}

/** The steps of a run with their attempts, drawn and as a table. */
export function stepsPart({ run, steps }: RunDocument, { pipeline }: RunState, view: View): Html {
  const { t } = view;
  const needsOf = (name: string): readonly string[] => pipeline?.steps[name]?.needs ?? [];
  const nodes = steps.map(({ name, state }) => ({ name, state, needs: needsOf(name) }));
  const drawn =
    nodes.length > 1 &&
    html`<div class="scroll" tabindex="0" role="region" aria-label="${t.run.graph}">${graph(nodes, `${t.run.graph}: ${nodes.length}`)}</div>`;
  return html`<section id="graph" data-live>${drawn}</section>${table({
    id: 'steps',
    caption: t.run.steps,
    head: [t.run.step, t.run.state, t.run.reason, t.run.needs, t.run.attempts],
    rows: steps.map(({ name, state, reason, attempts }) => [
      isolated(name, 120),
      badge(state, t),
      reason === null ? null : isolated(reason, 400),
      needsOf(name).length === 0 ? null : isolated(needsOf(name).join(', '), 300),
      attempts.length === 0
        ? null
        : html`<ul class="needs">${attempts.map((each) => attempt(run ?? '', name, each, view))}</ul>`,
    ]),
    empty: t.run.noSteps,
  })}`;
}
