import type { TriggerName } from '../../domain/ports/triggers.ts';
import type { Looked, NamedTrigger } from './look.ts';
import { nameOf } from './look.ts';

/** The last look of this process at a trigger that is polled. */
export interface LastLook extends TriggerName {
  readonly agoMs: number;
  /** Files, messages or rows that it saw and has not accounted for; undefined for kinds that do not count. */
  readonly left: number | undefined;
}

/** The last successful look at each trigger that is polled; those by the clock are looked at when they are due. */
export class Looks {
  private readonly last = new Map<string, TriggerName & { readonly at: number; readonly left: number | undefined }>();
  private readonly monotonic: () => number;

  constructor(monotonic: () => number = () => performance.now()) {
    this.monotonic = monotonic;
  }

  note(of: NamedTrigger, { left, next }: Pick<Looked, 'left' | 'next'>): void {
    const named = nameOf(of);
    const key = JSON.stringify([named.pipeline, named.trigger]);
    if (of.driver.instants || next === undefined) this.last.delete(key);
    else this.last.set(key, { ...named, left, at: this.monotonic() });
  }

  /** Those of the triggers that are there; the others are forgotten. */
  of(there: readonly TriggerName[]): LastLook[] {
    const keys = new Set(there.map(({ pipeline, trigger }) => JSON.stringify([pipeline, trigger])));
    for (const key of this.last.keys()) if (!keys.has(key)) this.last.delete(key);
    return [...this.last.values()].map(({ at, ...each }) => ({ ...each, agoMs: this.monotonic() - at }));
  }
}
