import { formatDuration } from '../../../lib/duration.ts';
import { type Html, html } from '../../../lib/html.ts';

/** A time in UTC, which the module turns into the browser's zone. */
export const moment = (iso: string | null | undefined): Html =>
  iso === null || iso === undefined
    ? html`–`
    : html`<time datetime="${iso}">${iso.slice(0, 19).replace('T', ' ')} UTC</time>`;

/** A time that the module tells by its distance from now. */
export const ago = (iso: string | null | undefined): Html =>
  iso === null || iso === undefined
    ? html`–`
    : html`<time datetime="${iso}" data-relative>${iso.slice(0, 16).replace('T', ' ')} UTC</time>`;

/** How long something took, or has taken until now. */
export function took(from: string | null, to: string | null, now: number): string {
  if (from === null) return '–';
  return formatDuration(Math.max(0, (to === null ? now : Date.parse(to)) - Date.parse(from)));
}
