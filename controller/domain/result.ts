import { z } from 'zod';

const joinSchema = z.object({
  /** The join columns; null for a join without a key. */
  on: z.string().nullable(),
  left: z.number(),
  right: z.number(),
  rows: z.number(),
});

/** The result file of the Spark runner, written whole or not at all. Seconds by phase, which overlap; rows elsewhere. */
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
    z.object({
      view: z.string(),
      kind: z.string(),
      place: z.string(),
      rows: z.number(),
      /** Joins of the view that produced more rows than a join on a unique key can. */
      joins: z.array(joinSchema).optional(),
    }),
  ),
  seconds: z.record(z.string(), z.number()),
  error: z.object({ type: z.string(), message: z.string(), phase: z.string() }).optional(),
});
export type RunnerResult = z.output<typeof runnerResultSchema>;

/** A join that multiplied rows: its key is unique on neither side. */
export interface MultipliedJoin extends z.output<typeof joinSchema> {
  readonly view: string;
}

/** The joins of a job that multiplied rows, each once, even when several outputs use it. */
export function multipliedJoins(result: RunnerResult | undefined): MultipliedJoin[] {
  const joins = (result?.outputs ?? []).flatMap(({ view, joins = [] }) => joins.map((join) => ({ view, ...join })));
  return [...new Map(joins.map((join) => [JSON.stringify(join), join])).values()];
}
