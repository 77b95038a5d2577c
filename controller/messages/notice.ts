import type { Severity } from '../domain/alerts.ts';
import { visible } from '../lib/text.ts';

/** What people and programs are told: the end of a run, or the beginning or the end of alerts. */
export interface Notice {
  /** The same for all messages of it, whose ids are derived from it. */
  readonly key: string;
  /** The state in which a run ended, or `alert` or `recovered`. */
  readonly event: string;
  readonly severity: Severity | 'info';
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly project: string;
  readonly pipeline?: string | undefined;
  readonly run?: string | undefined;
  readonly title: string;
  readonly blocks: readonly Block[];
  /** What lasts until another notice says that it is over; programs know it by its name and labels. */
  readonly incident?: {
    readonly name: string;
    readonly labels: Readonly<Record<string, string>>;
    readonly severity: Severity;
    readonly began: number;
    readonly isOver: boolean;
  };
  /** The same for programs, as plain JSON. */
  readonly data: Readonly<Record<string, unknown>>;
}

/** A part of a notice. All channels show the same. */
export type Block =
  | { readonly kind: 'lead'; readonly text: string }
  | { readonly kind: 'facts'; readonly title?: string; readonly rows: readonly (readonly [string, string])[] }
  | {
      readonly kind: 'table';
      readonly title: string;
      readonly head: readonly string[];
      readonly rows: readonly (readonly string[])[];
    }
  | { readonly kind: 'log'; readonly title: string; readonly lines: readonly string[] }
  | { readonly kind: 'link'; readonly title: string; readonly url: string };

/** A table, or nothing when it has no rows. */
export const tableOf = (title: string, head: readonly string[], rows: readonly (readonly string[])[]): Block[] =>
  rows.length === 0 ? [] : [{ kind: 'table', title, head, rows }];

/** Untrusted text as one plain line. */
const oneLine = (text: string): string => visible(text.replace(/\s*[\r\n]+\s*/g, ' '));

/** Text of at most so many characters (code points); a longer one ends with `…`. */
export function bounded(text: string, most: number): string {
  const all = [...text.slice(0, 2 * most + 2)];
  return all.length <= most ? text : `${all.slice(0, most - 1).join('')}…`;
}

/** A block as lines of plain text. */
export const asText = (block: Block): string => linesOf(block).map(oneLine).join('\n');

function linesOf(block: Block): string[] {
  switch (block.kind) {
    case 'lead':
      return [block.text];
    case 'link':
      return [`${block.title}: ${block.url}`];
    case 'log':
      return [`${block.title}:`, ...block.lines.map((line) => `  ${line}`)];
    case 'facts':
      return [
        ...(block.title === undefined ? [] : [`${block.title}:`]),
        ...block.rows.map(([name, value]) => `${name}: ${value}`),
      ];
    case 'table':
      return [`${block.title}:`, ...block.rows.map((row) => `  ${row.filter((cell) => cell !== '').join(' · ')}`)];
  }
}
