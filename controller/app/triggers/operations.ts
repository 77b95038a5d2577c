import type { PollContext } from '../../adapters/drivers.ts';
import type { RunStore } from '../../domain/ports/store.ts';
import type { Outcome } from '../../domain/ports/triggers.ts';
import { milliseconds } from '../../lib/duration.ts';
import { rejected } from '../../lib/errors.ts';
import { heldBack } from '../pipelines/agreement.ts';
import type { WatchedPipeline } from '../pipelines/watched.ts';
import type { Explanation, Fired, FiringDocument, TriggerDetail, TriggerDocument } from '../views/triggers.ts';
import { skipDue } from './control.ts';
import { explain } from './explain.ts';
import { type FireRequest, fireByHand } from './fire.ts';
import { type NamedTrigger, nameOf } from './look.ts';
import { findTrigger, firingDocument, namedTriggers, triggerDetail, triggerDocuments } from './overview.ts';

/** What people ask of triggers, and do with them. */
export interface TriggerOperations {
  list(): Promise<readonly TriggerDocument[]>;
  show(
    pipeline: string,
    trigger: string,
    limits: { readonly coming: number; readonly rows: number },
  ): Promise<TriggerDetail>;
  why(pipeline: string, trigger: string, instant: string): Promise<Explanation>;
  /** Milliseconds since 1970; left out, until it is resumed. */
  pause(
    pipeline: string,
    trigger: string,
    pause: { readonly by: string; readonly reason?: string; readonly until?: number },
  ): Promise<TriggerDocument>;
  resume(pipeline: string, trigger: string): Promise<TriggerDocument>;
  /** Returns the number of rows. */
  skip(pipeline: string, trigger: string, by: string): Promise<number>;
  reset(pipeline: string, trigger: string): Promise<TriggerDocument>;
  fire(pipeline: string, trigger: string, request: FireRequest): Promise<Fired>;
  firings(filter: FiringFilter): Promise<readonly FiringDocument[]>;
}

export interface FiringFilter {
  readonly pipeline?: string;
  readonly pipelines?: readonly string[];
  readonly trigger?: string;
  readonly outcome?: Outcome;
  readonly run?: string;
  readonly before?: number;
  readonly limit: number;
}

/** The operations on the triggers of a project, in this process. `pipelines` are those of its folder. */
export function triggerOperations(
  store: RunStore,
  pipelines: () => Promise<readonly WatchedPipeline[]>,
  context: Pick<PollContext, 'project' | 'scratch' | 'storage' | 'sourceKinds'>,
): TriggerOperations {
  const find = async (pipeline: string, trigger: string): Promise<NamedTrigger> =>
    findTrigger(namedTriggers(await pipelines()), pipeline, trigger);

  /** Why the servers hold the triggers of a pipeline back, as far as they disagree among themselves. */
  async function held(): Promise<(pipeline: string) => string | undefined> {
    const servers = await store.servers();
    const newest = servers.find((each) => !servers.some((other) => heldBack('', each, [other])));
    return (pipeline) => newest && heldBack(pipeline, newest, servers)?.reason;
  }

  async function documentOf({ loaded, name }: NamedTrigger): Promise<TriggerDocument> {
    return (await list()).find(
      (each) => each.pipeline === loaded.pipeline.name && each.trigger === name,
    ) as TriggerDocument;
  }

  const list = async (): Promise<TriggerDocument[]> => {
    const [all, known, reasonOf] = await Promise.all([pipelines(), store.triggers(), held()]);
    return triggerDocuments(known, namedTriggers(all), reasonOf);
  };

  return {
    list,
    async show(pipeline, trigger, limits) {
      const of = await find(pipeline, trigger);
      return triggerDetail(store, of, { ...limits, held: (await held())(pipeline) });
    },
    async why(pipeline, trigger, instant) {
      return explain(store, await find(pipeline, trigger), instant, (await held())(pipeline));
    },
    async pause(pipeline, trigger, pause) {
      const of = await find(pipeline, trigger);
      const { now } = await store.trigger(nameOf(of));
      if (pause.until !== undefined && pause.until <= now) throw rejected('the pause would end before it begins');
      if (!(await store.pause(nameOf(of), pause)))
        throw rejected(`${pipeline} ${trigger} is paused already`, 'resume it first');
      return documentOf(of);
    },
    async resume(pipeline, trigger) {
      const of = await find(pipeline, trigger);
      if (!(await store.resume(nameOf(of)))) throw rejected(`${pipeline} ${trigger} is not paused`);
      return documentOf(of);
    },
    skip: async (pipeline, trigger, by) => (await skipDue(store, await find(pipeline, trigger), by, context)).length,
    async reset(pipeline, trigger) {
      const of = await find(pipeline, trigger);
      await store.trigger(nameOf(of));
      await store.reset(nameOf(of));
      return documentOf(of);
    },
    async fire(pipeline, trigger, request) {
      const { firings } = context.project?.connections.retention ?? {};
      const keptMs = firings === undefined ? undefined : milliseconds(firings);
      return fireByHand(store, await find(pipeline, trigger), request, keptMs);
    },
    firings: async (filter) => (await store.firings(filter)).map(firingDocument),
  };
}
