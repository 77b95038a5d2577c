import type { RunDocument } from '../../../app/views/documents.ts';
import type { Cause, Retried, ReusedInputs } from '../../../domain/events.ts';
import type { RunState } from '../../../domain/state.ts';
import { type Html, html } from '../../../lib/html.ts';
import { iso } from '../../../lib/text.ts';
import type { View } from '../frame/view.ts';
import { facts } from '../parts/table.ts';
import { bounded, isolated, linkTo, pathTo, shownJson } from '../parts/text.ts';
import { moment } from '../parts/time.ts';
import type { PageWords } from '../words/words.ts';

/** Why there is a run: what started it, and what that knows. */
export function causePart(cause: Cause | undefined, { retries, inputs }: RunState, { t }: View): Html {
  const { kind = '–', trigger, by, key, due, time, facts: known, with: values } = cause ?? {};
  const details = { ...(known && { facts: known }), ...(values && { with: values }) };
  return html`<section id="cause"><h2>${t.run.whyItRan}</h2><div class="card">${facts([
    [t.run.kind, isolated(kind, 60)],
    ...(trigger === undefined ? [] : [[t.run.trigger, isolated(trigger, 80)] as const]),
    ...(by === undefined ? [] : [[t.run.by, isolated(by, 120)] as const]),
    ...(due === undefined
      ? []
      : [[t.run.due, html`${moment(iso(due))}${time !== undefined && ` (${time.slice(0, 60)})`}`] as const]),
    ...(key === undefined ? [] : [[t.run.key, html`<code>${isolated(key, 300)}</code>`] as const]),
    ...(retries ? [[t.run.repeats, repeated(retries, inputs, t)] as const] : []),
  ])}${Object.keys(details).length > 0 && html`<pre tabindex="0">${shownJson(details, 4000)}</pre>`}</div></section>`;
}

/** The repeated run, from where it is repeated, and whether the rows are the same. */
const repeated = ({ run, fromStep }: Retried, inputs: ReusedInputs | undefined, t: PageWords): Html =>
  html`${linkTo(pathTo('runs', run), bounded(run, 60))}${fromStep !== undefined && html`, ${t.run.fromStep} ${isolated(fromStep, 80)}`}${
    inputs && html`; ${inputs.gone === undefined ? t.run.sameInputs : isolated(inputs.gone, 300)}`
  }`;

/** Why the run goes this way: the reason of its branch, and of each that was rejected. */
export function choicePart({ branch, quality }: RunDocument, { plan }: RunState, { t }: View): Html {
  if (!plan)
    return html`<section id="choice" data-live><h2>${t.run.whyThisWay}</h2><p class="faint">${t.run.noPlan}</p></section>`;
  const { choice, reason } = plan;
  return html`<section id="choice" data-live><h2>${t.run.whyThisWay}</h2><div class="card">${facts([
    [t.run.branch, branch === null ? null : isolated(branch, 80)],
    [t.run.reason, isolated(choice.reason, 500)],
    // A run that takes its branch has nothing to add to the reason of the branch.
    ...(reason === choice.reason ? [] : [[t.run.outcome, isolated(reason, 500)] as const]),
    [t.run.quality, quality?.toFixed(4)],
  ])}${
    choice.rejected.length > 0 &&
    html`<p class="faint">${t.run.rejected}</p><ul>${choice.rejected.slice(0, 50).map((each) => html`<li>${isolated(each.branch, 80)}: ${isolated(each.reason, 300)}</li>`)}</ul>`
  }</div></section>`;
}
