import { z } from 'zod';

/** What Livy and the Spark master answer, as far as it is used. What does not fit is no answer of theirs. */

/** An id that is safe in an address and on a terminal. */
const id = z.string().regex(/^[\w.-]{1,200}$/);

export const batchSchema = z.object({
  id: z.int().min(0),
  name: z.string().nullish(),
  state: z.string().max(100),
  appId: id.nullish().catch(undefined),
  appInfo: z.object({ sparkUiUrl: z.string().nullish() }).nullish().catch(undefined),
});
export type Batch = z.output<typeof batchSchema>;

/** What a submission is answered with; more than the id may not be there yet. */
export const createdSchema = batchSchema.pick({ id: true });
export const batchesSchema = z.object({ sessions: z.array(batchSchema) });
export const logSchema = z.object({ log: z.array(z.string()) });

const application = z.object({ id, name: z.string(), state: z.string().max(100) });
const size = z.number().min(0);
export const masterSchema = z.object({
  workers: z.array(z.object({ state: z.string(), cores: size, coresfree: size, memory: size })),
  activeapps: z.array(application),
  completedapps: z.array(application),
});

const stage = z.object({
  status: z.string(),
  stageId: z.int(),
  name: z.string(),
  numTasks: size,
  numCompleteTasks: size,
});
export const stagesSchema = z.array(stage);
export type Stage = z.output<typeof stage>;

/** An address that a person may follow; undefined when it leads to no web page. */
export function linkOf(address: string | null | undefined): string | undefined {
  if (!address || !URL.canParse(address)) return undefined;
  const { protocol, href } = new URL(address);
  return protocol === 'http:' || protocol === 'https:' ? href : undefined;
}
