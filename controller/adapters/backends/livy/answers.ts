import { z } from 'zod';
import type { Answer } from '../../../clients/http.ts';
import { SluiceError } from '../../../lib/errors.ts';
import { visible } from '../../../lib/text.ts';

/**
 * The parts of Livy's and the Spark master's responses that are used. A response that does not match is treated as
 * unavailable.
 */

/** An id that is safe in a URL and on a terminal. */
const id = z.string().regex(/^[\w.-]{1,200}$/);

export const batchSchema = z.object({
  id: z.int().min(0),
  name: z.string().nullish(),
  state: z.string().max(100),
  appId: id.nullish().catch(undefined),
  appInfo: z.object({ sparkUiUrl: z.string().nullish() }).nullish().catch(undefined),
});
export type Batch = z.output<typeof batchSchema>;

/** The response to a submission. Livy may not know more than the id yet. */
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

/** The link of an http or https address; undefined for any other. */
export function linkOf(address: string | null | undefined): string | undefined {
  if (!address || !URL.canParse(address)) return undefined;
  const { protocol, href } = new URL(address);
  return protocol === 'http:' || protocol === 'https:' ? href : undefined;
}

/** The error message of a Livy response. */
export function messageOf(answer: Answer): string {
  const message = (answer.body as { msg?: unknown } | undefined)?.msg;
  return visible((typeof message === 'string' ? message : answer.text).slice(0, 300));
}

const unreadable = (url: string, what: string): SluiceError =>
  new SluiceError(`Livy at ${url} answered with ${what}`, { kind: 'unavailable' });

/** The batch in a 201 response. Livy has accepted it by then, so an unreadable response leaves the outcome unknown. */
export function created(answer: Answer, url: string): Pick<Batch, 'id'> {
  const { success, data } = createdSchema.safeParse(answer.body);
  if (success) return data;
  throw new SluiceError(`Livy at ${url} accepted the batch but returned an unreadable response`, {
    kind: 'unknown-outcome',
  });
}

/**
 * Parses a response of Livy. Throws `rejected` for a failed login, `unavailable` for any other mismatch; `otherwise`
 * describes the mismatch.
 */
export function read<S extends z.ZodType>(answer: Answer, schema: S, url: string, otherwise: string): z.output<S> {
  if (answer.status === 401 || answer.status === 403) {
    throw new SluiceError(`Livy at ${url} refused the login (${answer.status})`, {
      kind: 'rejected',
      hint: 'check spark.livyUser and spark.livyPassword',
    });
  }
  if (answer.status >= 300) throw unreadable(url, `${answer.status} ${messageOf(answer).slice(0, 80)}`);
  const { success, data } = schema.safeParse(answer.body);
  if (success) return data;
  if (answer.text === '') throw unreadable(url, 'nothing');
  const what = answer.body === undefined ? 'no JSON' : otherwise;
  throw unreadable(url, `${what}: ${visible(answer.text.slice(0, 80))}`);
}
