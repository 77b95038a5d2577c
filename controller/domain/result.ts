import { z } from 'zod';

const joinSchema = z.object({
  /** What was joined on; absent when it was on no key at all. */
  on: z.string().nullable(),
  left: z.number(),
  right: z.number(),
  rows: z.number(),
});

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
    z.object({
      view: z.string(),
      kind: z.string(),
      place: z.string(),
      rows: z.number(),
      /** Joins on the way to the view that made more rows than one by a unique key can. */
      joins: z.array(joinSchema).optional(),
    }),
  ),
  seconds: z.record(z.string(), z.number()),
  error: z.object({ type: z.string(), message: z.string(), phase: z.string() }).optional(),
});
export type RunnerResult = z.output<typeof runnerResultSchema>;

/** A join that multiplied rows: neither of its sides is unique by what it is on. */
export interface MultipliedJoin extends z.output<typeof joinSchema> {
  readonly view: string;
}

/** The joins of a job that multiplied rows, each once, however many outputs it leads to. */
export function multipliedJoins(result: RunnerResult | undefined): MultipliedJoin[] {
  const joins = (result?.outputs ?? []).flatMap(({ view, joins = [] }) => joins.map((join) => ({ view, ...join })));
  return [...new Map(joins.map((join) => [JSON.stringify(join), join])).values()];
}
