import { z } from 'zod';
import type { Recorded } from '../../domain/events.ts';
import type { RunSummary } from '../../domain/ports/store.ts';
import { fold, type RunState } from '../../domain/state.ts';
import { matchesGlob } from '../../lib/glob.ts';
import { isStorable } from '../../lib/storable.ts';
import type { LoadedPipeline } from '../../pipeline/loader.ts';
import { grants } from '../doors/authenticate.ts';
import type { Api } from '../http/api.ts';
import { preferredWaitMs, waited } from '../http/conditions.ts';
import { Problem } from '../http/problem.ts';
import type { Principal } from '../http/route.ts';

/** What helpers of handlers need of a request. */
export interface Asking {
  readonly api: Api;
  readonly principal: Principal;
}

export const runName = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/)
  .describe('The name of a run, or a prefix that only one run has');
export const runParams = z.strictObject({ run: runName });
/** A pipeline, a step or a source as a pipeline file names it. */
export const partName = z.string().regex(/^[^/\p{Cc}]{1,200}$/u);

/** A value for `trigger.with`. */
export const givenValue = z.string().max(1000).refine(isStorable, 'must be text without NUL');

/** Whether a principal sees a pipeline and its runs. */
export const sees = ({ pipelines }: Principal, pipeline: string): boolean =>
  pipelines.some((glob) => matchesGlob(glob, pipeline));

/** The filter of lists that leaves out what a principal does not see. */
export const seenPipelines = ({ pipelines }: Principal): { readonly pipelines?: readonly string[] } =>
  pipelines.includes('*') ? {} : { pipelines };

/** A run that the principal sees. Throws a Problem, the same one for a run that it must not see. */
export async function findVisible({ api, principal }: Asking, name: string): Promise<RunSummary> {
  const found = await api.store.find(name);
  if (found && sees(principal, found.pipeline)) return found;
  throw new Problem(404, `there is no run ${name}, or the prefix is ambiguous`, {
    hint: 'GET /api/v1/runs lists them',
  });
}

export interface FoundRun {
  readonly run: string;
  readonly summary: RunSummary;
  readonly state: RunState;
  readonly history: readonly Recorded[];
  /** The number of the last event. */
  readonly seq: number;
}

/** A run that the principal sees, with its history. */
export async function readRun(asking: Asking, name: string): Promise<FoundRun> {
  const summary = await findVisible(asking, name);
  const history = await asking.api.store.history(summary.run);
  return { run: summary.run, summary, state: fold(history), history, seq: history.at(-1)?.seq ?? 0 };
}

/** A pipeline that the principal sees and may name. Throws a Problem when there is none. */
export async function findPipeline({ api, principal }: Asking, name: string): Promise<LoadedPipeline> {
  const found = (await api.pipelines()).find(({ pipeline }) => pipeline.name === name);
  if (found && sees(principal, name)) return found;
  throw new Problem(404, `there is no pipeline ${name}`, { hint: 'the server knows those of conf/pipelines/' });
}

/**
 * Waits for the end of a run as long as the client prefers; a server that stops answers at once. Returns headers that
 * say what was applied.
 */
export async function waitForEnd(
  { api, headers, signal }: Pick<Asking, 'api'> & { readonly headers: Headers; readonly signal: AbortSignal },
  run: string,
): Promise<Record<string, string>> {
  const ms = preferredWaitMs(headers);
  if (ms === 0) return {};
  const over = AbortSignal.any([signal, AbortSignal.timeout(ms)]);
  const subscription = api.hub.subscribe(run, over);
  try {
    while (!over.aborted && !api.hub.stopped.aborted && (await api.store.find(run))?.ended === undefined)
      await subscription.changed();
  } finally {
    subscription.close();
  }
  return waited(ms);
}

type Exampled = Readonly<Record<string, { readonly examples?: readonly unknown[] }>>;
const bare = <T extends Exampled>(all: T): T =>
  Object.fromEntries(Object.entries(all).map(([name, each]) => [name, { ...each, examples: [] }])) as unknown as T;

/** Measures without examples of rows, unless the principal may see rows. */
export const shownRows = <T extends Exampled>(principal: Principal, all: T): T =>
  grants(principal, 'data') ? all : bare(all);

/** What started a run, without the content of requests and messages unless the principal may see rows. */
export function shownCause<T extends { readonly facts?: Readonly<Record<string, unknown>> | undefined }>(
  principal: Principal,
  cause: T,
): T {
  if (grants(principal, 'data') || cause.facts === undefined) return cause;
  const { body: _, message: __, ...facts } = cause.facts;
  return { ...cause, facts };
}

/** An event without examples of rows, unless the principal may see rows. */
export function shownEvent(
  principal: Principal,
  event: Recorded['event'],
): Recorded['event'] & Record<string, unknown> {
  if (grants(principal, 'data')) return { ...event };
  if (event.type === 'sources-measured')
    return { ...event, profiles: bare(event.profiles), findings: bare(event.findings) };
  if (event.type === 'triggered') return { ...event, cause: shownCause(principal, event.cause) };
  if (event.type === 'run-started')
    return {
      ...event,
      ...(event.cause && { cause: shownCause(principal, event.cause) }),
      ...(event.given && {
        given: { ...event.given, profiles: bare(event.given.profiles), findings: bare(event.given.findings) },
      }),
    };
  return { ...event };
}
