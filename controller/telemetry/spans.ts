import { spanIdOf } from './ids.ts';
import type { Span, Values } from './otlp.ts';

interface Open {
  /** How many spans were opened before it. */
  readonly order: number;
  readonly parent: string | undefined;
  readonly name: string;
  readonly from: number;
  readonly values: Values;
  readonly moments: { at: number; name: string; values: Values }[];
}

/** Spans that are opened and closed along a history, by their keys. A span is closed before the one it is in. */
export class Spans {
  /** The time of the current event. Milliseconds since 1970. */
  at = 0;
  /** The time of the event before it. */
  before = 0;
  private readonly run: string;
  /** The span that the outermost one is in, by its id. */
  private readonly above: string | undefined;
  private readonly open = new Map<string, Open>();
  private readonly closed: { readonly order: number; readonly span: Span }[] = [];
  private opened = 0;
  private readonly times = new Map<string, number>();

  constructor(run: string, above: string | undefined) {
    this.run = run;
    this.above = above;
  }

  /** Opens a span, unless it is open. */
  begin(key: string, parent: string | undefined, name: string, values: Values = {}, from = this.at): void {
    if (!this.open.has(key)) this.open.set(key, { order: this.opened++, parent, name, from, values, moments: [] });
  }

  /** Closes a span if it is open. With a problem, it has failed. */
  end(key: string, values: Values = {}, problem?: string): void {
    const span = this.open.get(key);
    if (!span) return;
    const { order, parent, name, from, moments } = span;
    const above = parent === undefined ? this.above : this.idOf(parent);
    const all = { ...span.values, ...values };
    this.closed.push({
      order,
      span: { id: this.idOf(key), parent: above, name, from, to: this.at, values: all, moments, problem },
    });
    this.open.delete(key);
    this.times.set(key, (this.times.get(key) ?? 0) + 1);
  }

  /** Closes all open spans but one. */
  endAllBut(key: string | undefined, values: Values = {}, problem?: string): void {
    for (const each of [...this.open.keys()].reverse()) if (each !== key) this.end(each, values, problem);
  }

  /** Adds an event to an open span. */
  moment(key: string, name: string, values: Values = {}): void {
    this.open.get(key)?.moments.push({ at: this.at, name, values });
  }

  /** When an open span was opened. */
  openedAt = (key: string): number => this.open.get(key)?.from ?? this.at;

  /** The closed spans, in the order in which they were opened. */
  all(): Span[] {
    return this.closed.toSorted((a, b) => a.order - b.order).map(({ span }) => span);
  }

  /** What begins again, such as a step whose inputs were lost, has a span of its own. */
  private idOf(key: string): string {
    const before = this.times.get(key) ?? 0;
    return spanIdOf(this.run, before === 0 ? key : `${key}#${before + 1}`);
  }
}
