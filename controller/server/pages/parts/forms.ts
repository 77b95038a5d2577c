import { type Html, html } from '../../../lib/html.ts';

/** A button that sends a form. It carries no token: the session is in a cookie that only this site's forms send. */
export const sendButton = (
  to: string,
  label: string,
  options: {
    readonly kind?: 'main' | 'danger';
    /** Asked before, by the module. */
    readonly confirm?: string;
    readonly fields?: Readonly<Record<string, string>>;
    /** A key that presses it. */
    readonly key?: string;
  } = {},
): Html => {
  const { kind, confirm, fields = {}, key } = options;
  return html`<form method="post" action="${to}"${confirm !== undefined && html` data-confirm="${confirm}"`}>${Object.entries(
    fields,
  ).map(
    ([name, value]) => html`<input type="hidden" name="${name}" value="${value}">`,
  )}<button${kind && html` class="${kind}"`}${key !== undefined && html` data-key="${key}"`}>${label}</button></form>`;
};

/** A button that is behind what it does: the page asks once more, also without the module. */
export const sureButton = (to: string, label: string, sure: string): Html =>
  html`<details class="sure"><summary>${label}…</summary><div class="card"><p>${sure}</p>${sendButton(to, label, { kind: 'danger' })}</div></details>`;

export interface Choice {
  readonly value: string;
  readonly text: string;
}

export const select = (
  id: string,
  label: string,
  chosen: string | undefined,
  choices: readonly Choice[],
  none = '–',
): Html =>
  html`<div><label for="f-${id}">${label}</label><select id="f-${id}" name="${id}"><option value="">${none}</option>${choices.map(
    ({ value, text }) => html`<option value="${value}"${value === chosen && html` selected`}>${text}</option>`,
  )}</select></div>`;

export const field = (id: string, label: string, value: string | undefined, type = 'text'): Html =>
  html`<div><label for="f-${id}">${label}</label><input id="f-${id}" name="${id}" type="${type}" maxlength="200" value="${value ?? ''}"></div>`;
