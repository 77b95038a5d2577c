import type { Cause, Recorded } from '../../controller/domain/events.ts';
import type { Profile } from '../../controller/domain/profile.ts';
import { dead, done, world } from '../engine/world.ts';
import type { Script } from '../fakes/backend.ts';
import { good, load } from '../pipeline/files.ts';
import { profile } from '../planning/profiles.ts';

/** Histories of runs that ended in every way, made by the engine. */

const kept = { paths: ['/kept/orders.parquet'], columns: [{ name: 'order_id', type: 'bigint' }] };
const profiles = (deliveries = profile({ rows: 1000, invalid: 5, nulls: { status: 3 } })): Record<string, Profile> => ({
  deliveries,
  orders: { ...profile({ rows: 70 }), pin: { kind: 'postgres', table: 'orders', visible: '10:20:', kept } },
});
const alone = good
  .replace('    fallback: poorer', '    retry: { maximumAttempts: 3, initialInterval: 5s, maximumInterval: 1m }')
  .replace(/ {2}poorer:\n.*\n/, '');
const lost: Script = [{ state: 'running' }, { state: 'failed', detail: 'ERROR: invalid snapshot identifier "1-2"' }];

export const parent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
const scheduled: Cause = {
  kind: 'schedule',
  trigger: 'nightly',
  key: 'k',
  due: Date.UTC(2026, 10, 24, 3),
  time: '2026-11-24T06:00',
};

interface Told {
  readonly text?: string;
  readonly scriptOf?: (key: string) => Script;
  readonly of?: Record<string, Profile>;
  readonly cancelAfter?: number;
  readonly cause?: Cause;
}

async function told({ text = alone, scriptOf, of = profiles(), cancelAfter, cause }: Told): Promise<Recorded[]> {
  const w = world(of, scriptOf);
  let slept = 0;
  const { sleep } = w.ports;
  Object.assign(w.ports, {
    sleep: async (ms: number, signal?: AbortSignal) => {
      slept += 1;
      if (slept === cancelAfter) {
        await w.ports.store.request('r1', w.now, { type: 'cancel-requested', by: 'anna' });
        w.wake();
      }
      await sleep(ms, signal);
    },
  });
  await w.run(await load(text));
  const history = await w.ports.store.history('r1');
  return history.map((record) =>
    record.event.type === 'run-started' && cause ? { ...record, event: { ...record.event, cause } } : record,
  );
}

export async function histories(): Promise<Record<string, readonly Recorded[]>> {
  const succeeded = await told({ cause: scheduled });
  const planned = succeeded.findIndex(({ event }) => event.type === 'application-found');
  return {
    succeeded,
    traced: await told({ cause: { kind: 'api', by: 'airflow', traceparent: parent } }),
    failed: await told({ scriptOf: () => dead }),
    retried: await told({ scriptOf: (key) => (key.endsWith('-3') ? done : dead) }),
    degraded: await told({
      text: good.replace('fallback: poorer', 'fallback: poorer\n    retry: { maximumAttempts: 1 }'),
      scriptOf: (key) => (key.includes('poorer') ? done : dead),
    }),
    cancelled: await told({ scriptOf: () => [{ state: 'running' }], cancelAfter: 5 }),
    skipped: await told({ text: alone.replace('branch in ["full", "light"]', 'branch == "full"') }),
    refused: await told({ of: profiles(profile({ rows: 0 })) }),
    'inputs lost': await told({ scriptOf: (key) => (key.endsWith('-1') ? lost : done) }),
    unfinished: succeeded.slice(0, planned + 1),
  };
}
