import { expect, test } from 'vitest';
import { newRunName } from '../../controller/app/new-run.ts';
import { finished, json, pipelinesOf, world } from './world.ts';

type World = Awaited<ReturnType<typeof world>>;
const nightly = { pipeline: 'alpha', trigger: 'nightly' };
const key = '2026-11-23T06:00 Europe/Moscow';

/** A run that the trigger has started, and its row in the ledger. */
async function fired({ store }: World, end = true): Promise<string> {
  const [loaded] = await pipelinesOf('alpha');
  const run = newRunName(new Date());
  const cause = { kind: 'schedule', trigger: 'nightly', key, due: 5, time: '2026-11-23T06:00', with: { day: '23' } };
  const events = [{ type: 'run-started' as const, run, pipeline: loaded?.pipeline as never, file: 'f', cause }];
  const start = { run, pipeline: 'alpha', at: 1, events };
  await store.fire(nightly, await store.trigger(nightly), [{ key, due: 5, as: { start } }], 1);
  if (end) await finish(store, run);
  return run;
}

async function finish(store: World['store'], run: string): Promise<void> {
  await store.heartbeat('me', 60_000);
  const lease = await store.claim(run, 'me');
  await store.append(lease as never, 1, 2, { events: finished.events, ...finished.entry });
}

const retry = (server: World, run: string, headers: Record<string, string> = {}) =>
  server.ask('POST', `/api/v1/runs/${run}:retry`, { headers });

test('a run of a trigger is retried for its reason, with a row of its own in the ledger', async () => {
  const server = await world();
  const run = await fired(server);
  const response = await retry(server, run);
  expect(response.status).toBe(201);
  const first = await json(response);
  expect(first.cause).toMatchObject({ key: `${key} again-1`, due: 5, with: { day: '23' }, time: '2026-11-23T06:00' });
  await finish(server.store, first.run);
  // The retry of a retry counts on.
  expect((await json(await retry(server, first.run))).cause).toMatchObject({ key: `${key} again-2` });
  const rows = await server.store.firings({ ...nightly, limit: 9 });
  expect(rows.map((row) => [row.key, row.outcome])).toEqual([
    [`${key} again-2`, 'started'],
    [`${key} again-1`, 'started'],
    [key, 'started'],
  ]);
});

test('a retry with an Idempotency-Key starts one run, however often it is sent', async () => {
  const server = await world();
  const run = await fired(server);
  const answers = await Promise.all(['1', '2', '3'].map(() => retry(server, run, { 'idempotency-key': 'k' })));
  expect(answers.map(({ status }) => status)).toEqual([201, 201, 201]);
  const runs = await Promise.all(answers.map(async (each) => (await json(each)).run));
  expect(new Set(runs).size).toBe(1);
  expect((await json(await retry(server, run))).cause).toMatchObject({ key: `${key} again-1` });
});

test('a run that is under way is not retried, and one that no trigger started has its options again', async () => {
  const server = await world();
  expect((await retry(server, await fired(server, false))).status).toBe(409);
  const body = { pipeline: 'alpha', fullRefresh: true };
  const { run } = await json(await server.ask('POST', '/api/v1/runs', { body }));
  expect((await retry(server, run)).status).toBe(409);
  await finish(server.store, run);
  const again = await json(await retry(server, run));
  expect(again.cause).toMatchObject({ kind: 'api' });
  expect(await server.store.history(again.run)).toMatchObject([{ event: { again: { again: true } } }]);
});

test('a run that a person starts has the values that a trigger of its pipeline declares, and no others', async () => {
  const [loaded] = await pipelinesOf('alpha');
  const { pipeline } = loaded as NonNullable<typeof loaded>;
  const triggers = { ...pipeline.triggers, day: { schedule: '0 6 * * *', zone: 'UTC', with: { day: 'x' } } };
  const server = await world({
    pipelines: [{ ...(loaded as NonNullable<typeof loaded>), pipeline: { ...pipeline, triggers } }],
  });
  const start = (values: object) => server.ask('POST', '/api/v1/runs', { body: { pipeline: 'alpha', with: values } });
  expect((await json(await start({ day: '2026-11-01' }))).cause).toMatchObject({ with: { day: '2026-11-01' } });
  const refused = await start({ day: '1', 'a/b': '2' });
  expect([refused.status, (await json(refused)).errors]).toMatchObject([422, [{ pointer: '/with/a~1b' }]]);
  expect((await start(JSON.parse('{"__proto__": "x"}'))).status).not.toBe(500);
});

test('a retry from a step is refused for a reason of the request or of the run, and says which run it repeats', async () => {
  const server = await world();
  const run = await fired(server);
  const from = (query: string) => server.ask('POST', `/api/v1/runs/${run}:retry?${query}`);
  const [step = ''] = Object.keys((await pipelinesOf('alpha'))[0]?.pipeline.steps ?? {});
  const unknown = await from('fromStep=none');
  expect([unknown.status, (await json(unknown)).detail]).toEqual([422, expect.stringContaining('no step "none"')]);
  const both = await from(`fromStep=${step}&fresh=true`);
  expect([both.status, (await json(both)).hint]).toEqual([422, 'leave out one of from-step and fresh']);
  const late = await from(`fromStep=${step}`);
  expect([late.status, (await json(late)).detail]).toEqual([409, expect.stringContaining(`run ${run} has no plan`)]);
  expect((await from('fresh=false')).status).toBe(400);
  const { run: fresh } = await json(await from('fresh=true'));
  expect(await server.store.history(fresh)).toMatchObject([{ event: { retries: { run, fresh: true } } }]);
  const shown = await json(await server.ask('GET', `/api/v1/runs/${fresh}`));
  expect(shown.retries).toEqual({ run, fromStep: null, reused: false, measuredAgain: null });
});

test('a retry whose answer was lost is answered again, also when its own run is why it would be refused', async () => {
  const server = await world();
  const [loaded] = await pipelinesOf('alpha');
  const run = await unfinished(server, loaded?.pipeline as never);
  const send = (key: string, query = 'fromStep=marts') =>
    server.ask('POST', `/api/v1/runs/${run}:retry?${query}`, { headers: { 'idempotency-key': key } });
  const first = await send('k');
  const again = await send('k');
  expect([first.status, again.status, again.headers.get('idempotency-replayed')]).toEqual([201, 201, 'true']);
  expect((await json(again)).run).toBe((await json(first)).run);
  expect((await send('other')).status).toBe(409);
  expect((await send('k', 'fresh=true')).status).toBe(422);
});

/** A run of a trigger that failed at its step, and has kept its rows. */
async function unfinished({ store }: World, pipeline: never): Promise<string> {
  const run = newRunName(new Date());
  const cause = { kind: 'schedule', trigger: 'nightly', key, due: 5 };
  const started = { type: 'run-started' as const, run, pipeline, file: 'f', cause };
  const start = { run, pipeline: 'alpha', at: 1, events: [started] };
  await store.fire(nightly, await store.trigger(nightly), [{ key, due: 5, as: { start } }], 1);
  const pin = { kind: 'csv', kept: { paths: ['/r/inputs/a'], columns: [] } };
  const measures = { rows: 1, valid: 1, invalid: 0, invalidByReason: {}, nulls: {}, duplicates: 0, bytes: 1, new: 1 };
  const events = [
    { type: 'sources-measured', findings: {}, profiles: { deliveries: { measures, pin, examples: [] } } },
    { type: 'planned', plan: { verdict: 'go', verdicts: [], choice: {} } },
    { type: 'run-ended', state: 'failed', reason: 'no' },
  ] as never[];
  await store.heartbeat('me', 60_000);
  const lease = await store.claim(run, 'me');
  await store.append(lease as never, 1, 2, { events, summary: { state: 'failed', ended: 2, quality: 1 } });
  return run;
}
