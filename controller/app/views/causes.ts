import { z } from 'zod';

/** Why there is a run. */

export const causeSchema = z
  .object({
    kind: z.string().describe('command, api, or the kind of a trigger'),
    trigger: z.string().optional(),
    key: z.string().optional(),
    by: z.string().optional(),
    due: z.int().optional().describe('When the trigger was due, in milliseconds since 1970'),
    time: z.string().optional().describe('The wall time for which a schedule fired'),
    facts: z.record(z.string(), z.unknown()).optional().describe('What the trigger knows'),
    with: z.record(z.string(), z.unknown()).optional().describe('The values of `with`'),
    traceparent: z.string().optional().describe('Where in a trace the request was'),
    request: z.string().optional().describe('Identifies the body of the request that gave the key'),
  })
  .meta({ id: 'Cause' });

export const retriesSchema = z
  .object({
    run: z.string().describe('The run that this one repeats'),
    fromStep: z.string().nullable().describe('Steps before this one were not computed again'),
    reused: z.boolean().nullable().describe('Whether it reads the same rows; null until that is known'),
    measuredAgain: z.string().nullable().describe('Why it reads others'),
  })
  .meta({ id: 'Retries' });
