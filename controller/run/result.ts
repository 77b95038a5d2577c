import { z } from 'zod';

/** The result file the Spark runner leaves behind, written whole or not at all. Seconds a phase; rows elsewhere. */
export const runnerResultSchema = z.object({
  key: z.string(),
  state: z.enum(['succeeded', 'failed']),
  applicationId: z.string(),
  inputs: z.array(
    z.object({
      name: z.string(),
      read: z.number(),
      valid: z.number(),
      quarantined: z.number(),
      reasons: z.record(z.string(), z.number()),
    }),
  ),
  outputs: z.array(
    z.object({ view: z.string(), kind: z.enum(['parquet', 'csv', 'postgres']), place: z.string(), rows: z.number() }),
  ),
  seconds: z.record(z.string(), z.number()),
  error: z.object({ type: z.string(), message: z.string(), phase: z.string() }).optional(),
});
export type RunnerResult = z.output<typeof runnerResultSchema>;
