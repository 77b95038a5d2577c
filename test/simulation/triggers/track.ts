import type { TriggerName } from '../../../controller/domain/ports/triggers.ts';
import type { Version } from './definitions.ts';

/** What is known of a trigger outside of the servers. Times are the store's, in milliseconds since 1970. */
export class Track {
  readonly name: TriggerName;
  readonly versions: Version[] = [];
  /** When its keys began again. */
  readonly generations: { readonly armed: number; ended: number }[] = [];
  /** Since when the ledger follows which definition. */
  readonly adoptions: { readonly generation: number; readonly definition: string; readonly from: number }[] = [];
  readonly pauses: { readonly from: number; until?: number; to: number }[] = [];

  constructor(pipeline: string, version: Version) {
    this.name = { pipeline, trigger: 't' };
    this.versions.push(version);
  }

  get newest(): Version {
    return this.versions.at(-1) as Version;
  }

  isPaused(now: number): boolean {
    const last = this.pauses.at(-1);
    return last !== undefined && last.from <= now && now < Math.min(last.to, last.until ?? Number.POSITIVE_INFINITY);
  }

  /** Whether a time is in a pause. */
  wasPaused(at: number): boolean {
    return this.pauses.some(({ from, to, until = to }) => from <= at && at < Math.min(to, until));
  }
}
