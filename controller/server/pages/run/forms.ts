import type { RunDocument } from '../../../app/views/documents.ts';
import type { Pipeline } from '../../../domain/pipeline.ts';
import type { RunState } from '../../../domain/state.ts';
import { type Html, html } from '../../../lib/html.ts';
import { stepProblem } from '../../../planning/reuse.ts';
import type { View } from '../frame/view.ts';
import { sendButton } from '../parts/forms.ts';
import { bounded, pathTo } from '../parts/text.ts';
import type { PageWords } from '../words/words.ts';

/** What may be done with a run in its state. */
export function actionForms(
  { run, state }: Pick<RunDocument, 'run' | 'state'>,
  { pipeline }: Pick<RunState, 'pipeline'>,
  { t, can }: View,
): Html {
  const path = pathTo('runs', run);
  const isOpen = ['pending', 'running', 'cancelling'].includes(state);
  const name = bounded(run, 60);
  return html`<section id="actions" class="row" data-live>${
    can('runs:write') &&
    (isOpen
      ? html`${state !== 'cancelling' && sendButton(`${path}:cancel`, t.run.cancel, { kind: 'danger', confirm: `${name}: ${t.run.sureCancel}`, key: 'c' })}${sendButton(`${path}:resume`, t.run.resume)}`
      : retryForm(`${path}:retry`, state, pipeline, t))
  }</section>`;
}

/** Only a run that failed or was cancelled has kept its rows, from which a step can be computed again. */
function retryForm(path: string, state: string, pipeline: Pipeline | undefined, { run: t }: PageWords): Html {
  const hasRows = ['failed', 'cancelled'].includes(state);
  const steps = pipeline ? Object.keys(pipeline.steps).filter((name) => !stepProblem(pipeline, name)) : [];
  const choice =
    steps.length > 1 &&
    html`<label for="f-fromStep">${t.fromStep}</label><select id="f-fromStep" name="fromStep"><option value="">${t.fromBeginning}</option>${steps.map(
      (name) => html`<option value="${name}">${bounded(name, 60)}</option>`,
    )}</select>`;
  const fresh = html`<label><input type="checkbox" name="fresh" value="true"> ${t.freshRows}</label>`;
  return html`<form method="post" action="${path}" class="row"><button>${t.again}</button>${hasRows && html`${choice}${fresh}`}</form>`;
}
