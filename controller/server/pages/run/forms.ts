import { type Html, html } from '../../../lib/html.ts';
import type { View } from '../frame/view.ts';
import { sendButton } from '../parts/forms.ts';
import { bounded, pathTo } from '../parts/text.ts';

/** What may be done with a run in its state. */
export function actionForms(run: string, state: string, { t, can }: View): Html {
  const path = pathTo('runs', run);
  const isOpen = ['pending', 'running', 'cancelling'].includes(state);
  const name = bounded(run, 60);
  return html`<section id="actions" class="row" data-live>${
    can('runs:write') &&
    (isOpen
      ? html`${state !== 'cancelling' && sendButton(`${path}:cancel`, t.run.cancel, { kind: 'danger', confirm: `${name}: ${t.run.sureCancel}`, key: 'c' })}${sendButton(`${path}:resume`, t.run.resume)}`
      : sendButton(`${path}:retry`, t.run.again))
  }</section>`;
}
