import { familiesOf } from '../../controller/server/metrics/families.ts';
import { LoopLag } from '../../controller/server/metrics/loop-lag.ts';
import { processFamilies } from '../../controller/server/metrics/process.ts';
import { RequestTimes, storeTimes } from '../../controller/server/metrics/request-times.ts';
import { memoryStore } from '../fakes/store.ts';

/** All metrics that there are, without values. */
export async function exportedFamilies() {
  const nothing = { triggers: [], pipelines: [], promises: [], alerts: [], controllers: 0, channels: [] };
  const process = { version: '', node: '', tzdata: '', cpuSeconds: 0, residentBytes: 0, started: 0 };
  return [
    ...familiesOf({ vitals: await memoryStore().vitals(), ...nothing }),
    ...processFamilies({
      ...process,
      isStoreUp: true,
      isGatewayUp: true,
      streams: 0,
      loopLag: new LoopLag().read(),
      looks: [],
    }),
    ...new RequestTimes().families(),
    storeTimes().family(),
  ];
}
