import { type Html, html } from '../../../lib/html.ts';
import { shownValue } from '../../../report/numbers.ts';

type Cell = Html | string | number | null | undefined;

export interface Table {
  /** Unique on its page; the module swaps the table by it. */
  readonly id: string;
  readonly caption: string;
  readonly head: readonly string[];
  /** The first cell of each row is its header. */
  readonly rows: readonly (readonly Cell[])[];
  /** Instead of a table without rows. */
  readonly empty: string;
  /** Columns of numbers, by position. */
  readonly numbers?: readonly number[];
  /** The keys j and k go through its rows. */
  readonly isList?: true;
}

/** A table that scrolls by itself on a narrow screen. */
export function table({ id, caption, head, rows, empty, numbers = [], isList }: Table): Html {
  if (rows.length === 0)
    return html`<section id="${id}" data-live><h2>${caption}</h2><p class="faint">${empty}</p></section>`;
  const align = (i: number): Html | false => numbers.includes(i) && html` class="num"`;
  return html`<section id="${id}" data-live><div class="scroll" tabindex="0" role="region" aria-labelledby="${id}-caption">
<table${isList && html` data-list`}><caption id="${id}-caption">${caption}</caption>
<thead><tr>${head.map((each, i) => html`<th scope="col"${align(i)}>${each}</th>`)}</tr></thead>
<tbody>${rows.map(
    ([first, ...rest]) =>
      html`<tr><th scope="row"${align(0)}>${shown(first)}</th>${rest.map((cell, i) => html`<td${align(i + 1)}>${shown(cell)}</td>`)}</tr>`,
  )}</tbody></table></div></section>`;
}

const shown = (cell: Cell): Html | string =>
  cell === null || cell === undefined || cell === '' ? '–' : typeof cell === 'number' ? shownValue(cell) : cell;

/** Pairs of names and values. */
export const facts = (pairs: readonly (readonly [string, Cell | readonly Html[]])[]): Html =>
  html`<dl class="facts">${pairs.map(
    ([name, value]) => html`<div><dt>${name}</dt><dd>${Array.isArray(value) ? value : shown(value as Cell)}</dd></div>`,
  )}</dl>`;
