import { type Html, html } from '../../../lib/html.ts';
import { visible } from '../../../lib/text.ts';

/** Text from data on one line, without invisible characters, and no longer than this. */
export function bounded(text: string, most = 200): string {
  const shown = visible(text.slice(0, most + 1));
  return shown.length > most ? `${shown.slice(0, most)}…` : shown;
}

/** A text from data that does not change the direction of its surroundings. */
export const isolated = (text: string, most = 200): Html => html`<bdi>${bounded(text, most)}</bdi>`;

/** The path of a page, of parts that come from data. */
export const pathTo = (...parts: readonly string[]): string =>
  `/${parts.map((part) => encodeURIComponent(part)).join('/')}`;

export const linkTo = (path: string, text: string, most = 120): Html =>
  html`<a href="${path}">${isolated(text, most)}</a>`;

/** A value of JSON for people. */
export const shownJson = (value: unknown, most = 20_000): string => {
  const text = JSON.stringify(value, null, 2) ?? '';
  return text.length > most ? `${text.slice(0, most)}…` : text;
};
