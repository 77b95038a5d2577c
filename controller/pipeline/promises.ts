import { z } from 'zod';
import type { Kinds, Pipeline } from '../domain/pipeline.ts';
import type { DataPromise } from '../domain/promises.ts';
import { refusalOf } from '../lib/errors.ts';
import { parseCron } from '../schedule/cron.ts';
import { checkZone } from '../schedule/zone.ts';
import { conditionsOf } from './conditions.ts';
import type { Broken } from './parts.ts';

const time = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'must be a time of day such as 07:00');
const limit = z.string().regex(/^[1-9]\d*(s|m|h)$/, 'must be a duration such as 30m or 24h');

/** What a pipeline promises. */
export const promises = z.array(
  z
    .strictObject({
      name: z.string().min(1).max(100),
      published: z
        .strictObject({
          by: time.describe('The time of day'),
          from: time.default('00:00').describe('From when on a publication counts; later than `by`, of the day before'),
          on: z.string().default('*').describe('The weekdays, as in a cron expression: mon-fri'),
          zone: z.string().describe('The time zone, such as Europe/Moscow'),
        })
        .optional()
        .describe('Something is published by a time of day'),
      fresherThan: limit.optional().describe('What is published is never older'),
      endsWithin: limit.optional().describe('Each run ends within so long of its start'),
      holds: z
        .string()
        .min(1)
        .optional()
        .describe('A condition in CEL over the measures of the last planned run, and now'),
    })
    .refine(
      ({ name: _, ...kinds }) => Object.values(kinds).filter((each) => each !== undefined).length === 1,
      'must have exactly one of published, fresherThan, endsWithin and holds',
    ),
);

/** What the schema of promises cannot check: names, zones, weekdays and conditions. */
export function* brokenPromises(pipeline: Pipeline, kinds: Pick<Kinds, 'sources' | 'triggers'>): Generator<Broken> {
  const all: readonly DataPromise[] = pipeline.promises ?? [];
  for (const [i, { name, published, holds }] of all.entries()) {
    const path = ['promises', i];
    if (all.findIndex((each) => each.name === name) !== i)
      yield { path: [...path, 'name'], message: `duplicate promise "${name}"` };
    const problem = holds === undefined ? undefined : conditionsOf(pipeline, kinds).check(holds, 'branch');
    if (problem !== undefined) yield { path: [...path, 'holds'], message: `"${holds}": ${problem}` };
    if (!published) continue;
    const refused = {
      zone: refusalOf(() => checkZone(published.zone)),
      on: refusalOf(() => parseCron(`0 0 * * ${published.on}`)),
    };
    for (const [field, message] of Object.entries(refused))
      if (message !== undefined) yield { path: [...path, 'published', field], message };
  }
}
