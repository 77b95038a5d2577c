import { type Html, html } from '../../../lib/html.ts';
import type { View } from '../frame/view.ts';

/** The ways to the newest and to the older entries of a list, with the filters that it has. */
export function pager(
  path: string,
  filters: URLSearchParams,
  { isFirst, next }: { readonly isFirst: boolean; readonly next: string | null },
  { t }: View,
): Html {
  const rest = new URLSearchParams(filters);
  for (const name of ['notice', 'after']) rest.delete(name);
  const older = new URLSearchParams(rest);
  if (next !== null) older.set('after', next);
  return html`<p class="row">${!isFirst && html`<a href="${path}${rest.size > 0 && `?${rest}`}">${t.newest}</a>`}${next !== null && html`<a rel="next" href="${path}?${String(older)}">${t.older} →</a>`}</p>`;
}
