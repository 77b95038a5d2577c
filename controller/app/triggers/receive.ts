import { type ReceivedRequest, Refusal } from '../../adapters/firing.ts';
import { currentPause } from '../../domain/pauses.ts';
import type { RunStore } from '../../domain/ports/store.ts';
import type { Entered, TriggerName } from '../../domain/ports/triggers.ts';
import { storable } from '../../lib/storable.ts';
import type { WatchedPipeline } from '../pipelines/watched.ts';
import { pauseIfFailing, rowOf } from './look.ts';
import { namedTriggers } from './overview.ts';

export type Received = Entered;

/**
 * Takes a request to a trigger. It resolves once the firing and its run are stored, or with what an earlier request of
 * the same key has given. `admit` may throw to refuse one whose signature is right. Throws a Refusal, or `unavailable`
 * when the store is: the sender tries again.
 */
export async function receiveRequest(
  store: RunStore,
  pipelines: readonly WatchedPipeline[],
  { pipeline, trigger: name }: TriggerName,
  request: ReceivedRequest,
  admit: () => void = () => undefined,
): Promise<Received> {
  const of = namedTriggers(pipelines).find((each) => each.loaded.pipeline.name === pipeline && each.name === name);
  if (!of?.driver.receive) {
    // One that was there once is gone for good; the sender may stop.
    const wasThere = !of && (await store.knownTrigger({ pipeline, trigger: name })) !== undefined;
    throw new Refusal(`there is no hook ${name} of a pipeline ${pipeline}`, { status: wasThere ? 410 : 404 });
  }
  const named = { pipeline, trigger: name };
  const firing = of.driver.receive(of.trigger, request);
  admit();
  for (;;) {
    const state = await store.trigger(named);
    const { generation, now } = state;
    const pause = currentPause(state.pauses);
    if (pause && of.trigger.whilePaused === 'refuse')
      throw new Refusal(`the hook is paused by ${pause.by}`, { status: 423 });
    const row = rowOf(of, { ...firing, due: now }, now);
    if (!pause && 'start' in row.as && (await pauseIfFailing(store, of, state)) !== undefined) continue;
    const isHeld = pause && 'start' in row.as;
    const reason = `paused by ${pause?.by}${pause?.reason ? `: ${pause.reason}` : ''}`;
    const entered = await store.fire(named, { generation }, [
      // The sender of a refused request sends it again.
      {
        ...row,
        replaces: ['refused'],
        ...(isHeld && { as: { outcome: 'held', reason }, payload: storable(firing.facts) }),
      },
    ]);
    const [taken] = entered ?? [];
    if (!taken) continue;
    if (taken.outcome !== 'held' || currentPause((await store.trigger(named)).pauses)) return taken;
    // The pause has ended meanwhile, and its held requests may have been looked for before this one was there.
    const [started] = (await store.fire(named, { generation }, [{ ...row, replaces: ['held'] }])) ?? [];
    if (started) return started;
  }
}
