import { expect, test } from 'vitest';
import { historyReader } from '../../controller/app/resolve-run.ts';
import { backendsOf } from '../../controller/app/wiring.ts';
import { guessLines } from '../../controller/cli/view/events.ts';
import { onTerminal } from '../../controller/cli/view/style.ts';
import type { Project } from '../../controller/config/project.ts';
import { clusterOf } from '../../controller/engine/measuring.ts';
import { version } from '../../controller/lib/env.ts';
import { makePlan } from '../../controller/planning/plan.ts';
import packageJson from '../../package.json' with { type: 'json' };
import { memoryStore } from '../fakes/store.ts';
import { good, load } from '../pipeline/files.ts';
import { profile } from '../planning/profiles.ts';

test('a plan for an unavailable cluster states that its resources are assumed, and why', async () => {
  const endpoints = { sparkMaster: 'http://127.0.0.1:9', historyServer: 'http://127.0.0.1:9' } as Project['endpoints'];
  const { backend } = await backendsOf({
    home: '/nowhere',
    endpoints,
    connections: { spark: { backend: 'livy', standby: 0, standbyIdle: '30m' } },
    stack: { elsewhere: {} },
  } as unknown as Project);
  let time = 0;
  const sleep = async (ms: number) => {
    time += ms;
  };
  const cluster = await clusterOf({ backend, now: () => time, sleep });
  expect(time).toBe(5000);
  const profiles = { deliveries: profile(), orders: profile() };
  const plan = makePlan(await load(good), { profiles, findings: {} }, cluster, 1);
  expect(guessLines(plan).map(onTerminal).join()).toMatch(
    /sized for a guess of 2 cores and 2560 MB a worker: http:\/\/127\.0\.0\.1:9 does not answer/,
  );
  expect(guessLines({ ...plan, cluster: { cores: 2, largestMb: 2560 } })).toEqual([]);
});

test('following a history reads only the new events', async () => {
  const store = memoryStore();
  const run = { type: 'run-started', run: 'r1', pipeline: await load(good), file: 'f' } as const;
  await store.create({ run: 'r1', pipeline: 'shop', at: 1, events: [run] });
  const asked: (number | undefined)[] = [];
  const read = historyReader(
    {
      ...store,
      history: (name, after) => {
        asked.push(after);
        return store.history(name, after);
      },
    },
    'r1',
  );
  expect((await read()).newRecords).toHaveLength(1);
  await store.request('r1', 2, { type: 'cancel-requested', by: 'x' });
  const { state, newRecords } = await read();
  expect(newRecords.map(({ seq }) => seq)).toEqual([2]);
  expect(state.cancelRequested).toBe('x');
  expect((await read()).newRecords).toEqual([]);
  expect(asked).toEqual([0, 1, 2]);
});

test('the version is that of the package', () => {
  expect(version).toBe(packageJson.version);
});
