import type { Instant } from '../../adapters/firing.ts';
import { currentPause } from '../../domain/pauses.ts';
import { kindOf } from '../../domain/pipeline.ts';
import type { RunStore } from '../../domain/ports/store.ts';
import type { FiringRecord, ListedTrigger, TriggerName, TriggerState } from '../../domain/ports/triggers.ts';
import { rejected } from '../../lib/errors.ts';
import { didYouMean } from '../../lib/suggest.ts';
import { iso } from '../../lib/text.ts';
import type { WatchedPipeline } from '../pipelines/watched.ts';
import { builtIn } from '../registry.ts';
import type { FiringDocument, TriggerDetail, TriggerDocument } from '../views/triggers.ts';
import { type NamedTrigger, nameOf, ownCursor } from './look.ts';

/** How many instants are looked through for the next one. */
const mostLooked = 1000;

/** The triggers of the served pipelines. */
export const namedTriggers = (pipelines: readonly WatchedPipeline[], kinds = builtIn.triggers): NamedTrigger[] =>
  pipelines.flatMap(({ loaded }) =>
    Object.entries(loaded?.pipeline.triggers ?? {}).map(([name, trigger]) => ({
      loaded: loaded as NonNullable<typeof loaded>,
      name,
      trigger,
      driver: kindOf(kinds, trigger),
    })),
  );

/** A trigger by its names. Throws a rejected SluiceError with those that there are. */
export function findTrigger(all: readonly NamedTrigger[], pipeline: string, trigger: string): NamedTrigger {
  const found = all.find(({ loaded, name }) => loaded.pipeline.name === pipeline && name === trigger);
  if (found) return found;
  const known = all.map(({ loaded, name }) => `${loaded.pipeline.name} ${name}`);
  const hint = didYouMean(`${pipeline} ${trigger}`, known) || ` (known: ${known.join(', ') || 'none'})`;
  throw rejected(`there is no trigger ${trigger} of a pipeline ${pipeline}${hint}`, '`sluice triggers` lists them');
}

/** The state of a trigger; of one that no server has seen, as it will begin. */
export const stateOf = async (store: RunStore, name: TriggerName): Promise<TriggerState> =>
  (await store.knownTrigger(name)) ?? {
    ...{ seq: 0, generation: 1, armed: Date.now(), now: Date.now(), cursor: undefined, pauses: [], waiting: 0 },
    ...{ resumed: undefined, problem: undefined },
  };

/** The ledger's horizon of a trigger by the clock: up to there every instant has a row. */
export function horizonOf({ driver }: NamedTrigger, known: TriggerState): number {
  const { cursor, armed } = ownCursor(driver, known);
  return (cursor as { horizon?: number } | null | undefined)?.horizon ?? armed;
}

export const firingDocument = ({ payload: _, ...row }: FiringRecord): FiringDocument => ({
  ...row,
  due: iso(row.due),
  until: iso(row.until),
  noted: iso(row.noted),
  reason: row.reason ?? null,
  run: row.run ?? null,
});

/** All triggers: those of the served pipelines, and those that only the store knows. */
export function triggerDocuments(
  known: readonly ListedTrigger[],
  all: readonly NamedTrigger[],
  held: (pipeline: string) => string | undefined = () => undefined,
): TriggerDocument[] {
  const keyOf = ({ pipeline, trigger }: TriggerName): string => `${pipeline} ${trigger}`;
  const gone = new Map(known.map((each) => [keyOf(each), each]));
  const documents = new Map<string, TriggerDocument>();
  for (const served of all) {
    const key = keyOf(nameOf(served));
    documents.set(key, documentOf(served, gone.get(key), held(served.loaded.pipeline.name)));
    gone.delete(key);
  }
  for (const [key, each] of gone) documents.set(key, goneDocument(each));
  return [...documents].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, document]) => document);
}

function documentOf(of: NamedTrigger, known: ListedTrigger | undefined, held: string | undefined): TriggerDocument {
  const { loaded, name, trigger, driver } = of;
  const pause = known && currentPause(known.pauses);
  const problem = known?.problem ?? held ?? null;
  const now = known?.now ?? Date.now();
  const { owed, since, next } = pause ? { owed: 0 } : comingOf(of, known, now);
  return {
    pipeline: loaded.pipeline.name,
    trigger: name,
    kind: driver.kind,
    says: driver.describe(trigger),
    state: pause ? 'paused' : held !== undefined ? 'held' : known?.problem !== undefined ? 'failing' : 'active',
    problem,
    paused: pause
      ? { by: pause.by, reason: pause.reason ?? null, since: iso(pause.from), until: iso(pause.until) }
      : null,
    next: iso(next),
    owed,
    owedSince: iso(since),
    waiting: known?.waiting ?? 0,
    generation: known?.generation ?? 1,
    last: known?.last ? firingDocument(known.last) : null,
  };
}

const goneDocument = ({ pipeline, trigger, waiting, generation, last }: ListedTrigger): TriggerDocument => ({
  ...{ pipeline, trigger, kind: null, says: null, state: 'gone', problem: null, paused: null, next: null, owed: 0 },
  owedSince: null,
  ...{ waiting, generation, last: last ? firingDocument(last) : null },
});

/** The instants that are due and not in the ledger, when the first of them had to start, and the next one to come. */
function comingOf({ driver, trigger }: NamedTrigger, known: ListedTrigger | undefined, now: number) {
  const [horizon, armed] = [known?.horizon ?? now, known?.armed ?? now];
  const delay = driver.delayMs?.(trigger) ?? 0;
  let owed = 0;
  let since: number | undefined;
  let looked = 0;
  for (const { due, instead } of driver.instants?.(trigger, horizon, armed) ?? []) {
    if (due > now && !instead) return { owed, since, next: due };
    if (due + delay <= now) {
      owed += 1;
      since ??= due + delay;
    }
    looked += 1;
    if (looked === mostLooked) break;
  }
  return { owed, since, next: driver.instants && nextOf(driver.instants(trigger, now, armed)) };
}

function nextOf(instants: Iterable<Instant>): number | undefined {
  let looked = 0;
  for (const { due, instead } of instants) {
    if (!instead) return due;
    looked += 1;
    if (looked === mostLooked) return undefined;
  }
  return undefined;
}

/** A trigger with the instants to come and the rows of its ledger in one list, the latest first. */
export async function triggerDetail(
  store: RunStore,
  of: NamedTrigger,
  { coming, rows, held }: { readonly coming: number; readonly rows: number; readonly held?: string | undefined },
): Promise<TriggerDetail> {
  const named = nameOf(of);
  const state = await stateOf(store, named);
  const ledger = await store.firings({ ...named, limit: rows });
  const horizon = horizonOf(of, state);
  const known: ListedTrigger = { ...named, ...state, horizon, last: ledger[0] };
  const { trigger, driver } = of;
  const moments: TriggerDetail['moments'][number][] = [];
  let owed = 0;
  const pause = currentPause(state.pauses);
  for (const { key, due, instead } of driver.instants?.(trigger, horizon, state.armed) ?? []) {
    const isDue = due <= state.now;
    if (isDue) owed += 1;
    if (moments.length === coming + (isDue ? owed : 0) || owed > mostLooked) break;
    const outcome = instead?.outcome ?? (pause && due >= pause.from ? 'paused' : isDue ? 'owed' : 'to-come');
    const reason = instead?.reason ?? (outcome === 'paused' ? (pause?.reason ?? `by ${pause?.by}`) : null);
    moments.unshift({ key, due: iso(due), outcome, reason, run: null, count: 1 });
    if (!isDue && moments.length - owed >= coming) break;
  }
  return {
    ...documentOf(of, known, held),
    remarks: driver.remarks?.(trigger, state.now) ?? [],
    moments: [
      ...moments,
      ...ledger.map(({ key, due, outcome, reason, run, count }) => ({
        ...{ key, due: iso(due), outcome, count },
        reason: reason ?? null,
        run: run ?? null,
      })),
    ],
  };
}
