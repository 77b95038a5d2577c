import { z } from 'zod';
import type { RunStore } from '../../domain/ports/store.ts';
import { type DataPromise, promiseStates } from '../../domain/promises.ts';
import { iso } from '../../lib/text.ts';
import { promised } from '../../messages/alert-words.ts';
import type { WatchedPipeline } from '../pipelines/watched.ts';
import { type JudgedPromise, judgePromises } from '../promises/judge.ts';
import { time } from './documents.ts';

/** An entry of `sluice promises --json`. */
export const promiseSchema = z
  .object({
    pipeline: z.string(),
    promise: z.string(),
    says: z.string().describe('The promise in words'),
    state: z.enum(promiseStates),
    why: z.string().nullable().describe('Why it is broken or at risk'),
    due: time.nullable().describe('When it is due, or will be broken if nothing happens'),
    record: z
      .object({
        kept: z.int(),
        of: z.int(),
        recent: z.array(z.boolean()).readonly().describe('The last times one by one, the newest first'),
      })
      .nullable()
      .describe('How often it was kept within the last 30 days: of deadlines, days or runs; null for a condition'),
  })
  .meta({ id: 'Promise' });
export type PromiseDocument = z.output<typeof promiseSchema>;

/** A promise in words. */
export function describePromise({ published, fresherThan, endsWithin, holds }: DataPromise): string {
  if (published) {
    const { by, from, on, zone } = published;
    return `published by ${by} ${zone}${on === '*' ? '' : ` on ${on}`}${from === '00:00' ? '' : `, from ${from} on`}`;
  }
  if (fresherThan !== undefined) return `never older than ${fresherThan}`;
  return endsWithin === undefined ? `holds: ${holds}` : `runs end within ${endsWithin}`;
}

export function promiseDocument({ pipeline, promise, status, record }: JudgedPromise): PromiseDocument {
  const { state, due, facts } = status;
  const why = state === 'broken' || state === 'at-risk' ? promised.en(facts).replace(/^: /, '') : '';
  return {
    ...{ pipeline, promise: promise.name, says: describePromise(promise), state, why: why || null },
    ...{ due: iso(due), record: record ?? null },
  };
}

/** All promises of pipelines, with their records. What neither a run nor a trigger tells of is not yet owed. */
export async function promisesOf(store: RunStore, pipelines: readonly WatchedPipeline[]): Promise<PromiseDocument[]> {
  const vitals = await store.vitals();
  const judged = await judgePromises({ store, vitals, pipelines, since: () => vitals.now, withRecord: true });
  return judged.map(promiseDocument);
}
