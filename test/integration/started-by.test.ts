import { createHmac } from 'node:crypto';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { kafkaClient } from '../../controller/clients/kafka.ts';
import { folder, project, query, read, said, sluice, sluiceJson, start, write } from './world.ts';

/** customer-report, started by each kind of trigger, from its event to its published marts. */

const name = 'started-by';
const file = `conf/pipelines/${name}.yaml`;
const secret = 'the secret of a sender';
const kafka = kafkaClient({ brokers: (await project()).endpoints.kafka });
let serving: ReturnType<typeof start>;
let url = '';
let next = 9_000_000;

/** The pipeline with this trigger alone. Resolves when the server watches it. */
async function withTrigger(kind: string, trigger: string): Promise<void> {
  const text = (await read('conf/pipelines/customer-report.yaml'))
    .replace('name: customer-report', `name: ${name}`)
    .replaceAll('data/published/customer-report', `data/published/${name}`)
    .replaceAll('schema: marts', 'schema: started_by');
  await write(file, `${text}\ntriggers:\n  ${kind}: ${trigger}\n`);
  await expect
    .poll(async () => (await triggers()).find((each) => each.trigger === kind)?.generation, { timeout: 30_000 })
    .toBe(1);
  // The first look registers what is there already.
  await expect.poll(() => query(registered(kind), 'sluice'), { timeout: 30_000 }).toHaveLength(1);
}
const registered = (kind: string) =>
  `SELECT FROM triggers WHERE pipeline = '${name}' AND trigger = '${kind}' AND (seq > 0 OR '${kind}' IN ('hook', 'nightly', 'regular'))`;

const triggers = async () =>
  (await sluiceJson('triggers', '--pipeline', name)).doc as never as { trigger: string; generation: number }[];

/** A delivery that no run has read. */
async function newDelivery(): Promise<void> {
  next += 1;
  const [order] = await query('SELECT order_id FROM orders ORDER BY order_id LIMIT 1');
  const row = `${next},${order?.order_id},delivered,dhl,2026-11-24T06:00:00Z`;
  await write(`data/deliveries/started-${next}.csv`, `delivery_id,order_id,status,carrier,updated_at\n${row}\n`);
}

/** The run that a trigger has started, once it has ended. */
async function startedBy(kind: string) {
  const runOf = async () => {
    const runs = (await sluiceJson('runs', '--pipeline', name)).doc as never as {
      run: string;
      trigger: string;
      ended: string;
    }[];
    return runs.find((each) => each.trigger === kind && each.ended !== null)?.run;
  };
  await expect.poll(runOf, { timeout: 150_000, interval: 500 }).toBeDefined();
  const { doc } = await sluiceJson('show', (await runOf()) as string);
  return doc as typeof doc & { cause: { kind: string; trigger: string; key: string; facts?: Record<string, unknown> } };
}

beforeAll(async () => {
  const made = await sluice('demo-data', '--rows', '10000', '--seed', '9');
  expect(made.exitCode, made.stderr).toBe(0);
  serving = start(['serve', '--bind', '127.0.0.1:0', '--log-format', 'json'], { HOOK_SECRET: secret });
  [, url = ''] = await said(serving, /"url":"(http[^"]+)"/);
});
afterAll(async () => {
  serving.kill('SIGTERM');
  await serving;
  // Those of another test's data stand beside them in this stack.
  const deliveries = join(folder, 'data/deliveries');
  const own = (await readdir(deliveries)).filter((each) => each.startsWith('started-'));
  await Promise.all(own.map((each) => rm(join(deliveries, each))));
});

const cases: readonly {
  readonly kind: string;
  readonly trigger: string;
  readonly named: string;
  readonly happens: () => Promise<unknown>;
}[] = [
  {
    kind: 'schedule',
    named: 'nightly',
    trigger: "{ schedule: '* * * * *', zone: Europe/Moscow }",
    happens: newDelivery,
  },
  {
    kind: 'every',
    named: 'regular',
    trigger: `{ every: 1m, from: ${new Date(Date.now() + 100_000).toISOString()} }`,
    happens: newDelivery,
  },
  { kind: 'files', named: 'arrivals', trigger: '{ files: deliveries, settle: 1s, poll: 1s }', happens: newDelivery },
  {
    kind: 'topic',
    named: 'changes',
    trigger: '{ topic: order_events, poll: 1s }',
    async happens() {
      const [order] = await query('SELECT order_id FROM orders ORDER BY order_id LIMIT 1');
      const event = {
        event_id: `started-${next}`,
        order_id: order?.order_id,
        seq: 99,
        type: 'paid',
        occurred_at: '2026-11-24T06:00:00Z',
      };
      const producer = kafka.producer();
      await producer.connect();
      await producer.send({ topic: 'order-events', messages: [{ value: JSON.stringify(event) }] });
      await producer.disconnect();
    },
  },
  {
    kind: 'table',
    named: 'paid',
    trigger: '{ table: payments, column: payment_id, poll: 1s }',
    happens: () =>
      query(
        `INSERT INTO payments SELECT m.next, order_id, amount, currency, status, paid_at
         FROM payments, (SELECT max(payment_id) + 1 AS next FROM payments) m LIMIT 1`,
      ),
  },
  {
    kind: 'webhook',
    named: 'hook',
    trigger: '{ webhook: { signature: github, secret: "${HOOK_SECRET}" }, when: trigger.body.action == "published" }',
    async happens() {
      await newDelivery();
      const send = (action: string) => {
        const body = JSON.stringify({ action });
        const signature = `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`;
        const headers = {
          'x-hub-signature-256': signature,
          'x-github-delivery': action,
          'content-type': 'application/json',
        };
        return fetch(`${url}/hooks/${name}/hook`, { method: 'POST', headers, body });
      };
      expect((await send('edited')).status).toBe(202);
      const taken = await send('published');
      expect([taken.status, taken.headers.get('location')]).toEqual([202, expect.stringMatching(/^\/api\/v1\/runs\//)]);
      expect((await send('published')).status).toBe(200);
    },
  },
  {
    kind: 'after',
    named: 'next',
    trigger: '{ after: upstream }',
    async happens() {
      await newDelivery();
      const done = await sluice('run', await upstream());
      expect(done.exitCode, done.stderr).toBe(0);
    },
  },
];

/** A small pipeline whose end is an event. */
async function upstream(): Promise<string> {
  await write('data/upstream/a.csv', 'id,note\n1,one\n');
  await write('sql/upstream.sql', 'CREATE OR REPLACE TEMP VIEW result AS SELECT id, note FROM small');
  return write(
    'upstream.yaml',
    `name: upstream
sources: { small: { csv: data/upstream/*.csv, key: id, columns: { id: bigint, note: string } } }
branches: [{ name: all }]
steps:
  work: { engine: embedded, spark: { sql: sql/upstream.sql }, outputs: [{ parquet: data/published/upstream, views: [result] }] }
`,
  );
}

test.each(cases)('$kind: from the event to the published marts', async ({ kind, named, trigger, happens }) => {
  await upstream();
  await withTrigger(named, trigger);
  await happens();
  const run = await startedBy(named);
  expect(run.cause).toMatchObject({ kind, trigger: named });
  expect(run).toMatchObject({ state: 'succeeded', branch: 'light' });
  expect(run.outputs).toHaveLength(6);
  const why = await sluice('triggers', 'show', name, named);
  expect(why.stdout).toContain(run.run);
});

test('what started a run is in SQL, the same on both engines, whatever its values contain', async () => {
  const values = `it's \\ "quoted" \`; DROP TABLE x; -- {{ trigger.key }}`;
  const step = (engine: string) =>
    `{ engine: ${engine}, spark: { sql: sql/told.sql, executorMemory: 512m, driverMemory: 512m }, outputs: [{ csv: data/published/told-${engine}, views: [told] }] }`;
  await upstream();
  await write(
    'sql/told.sql',
    'CREATE OR REPLACE TEMP VIEW told AS SELECT s.id, t.kind, t.name, t.key, t.day, t.date, CAST(t.due AS STRING) AS due FROM small s CROSS JOIN trigger t',
  );
  await write(
    'conf/pipelines/told.yaml',
    `name: told
sources: { small: { csv: "data/{{ trigger.with.folder }}/*.csv", key: id, columns: { id: bigint, note: string } } }
branches: [{ name: all, if: trigger.with.folder == "upstream" && trigger.kind == "schedule" }, { name: other }]
steps:
  one: ${step('spark')}
  two: ${step('embedded')}
triggers:
  yearly: { schedule: "0 6 1 1 *", zone: Europe/Moscow, with: { day: "{{ trigger.date }}", folder: nowhere } }
`,
  );
  const fired = await sluice(
    'fire',
    'told',
    'yearly',
    '--at',
    '2026-01-01T03:00:00Z',
    '--with',
    `day=${values}`,
    'folder=upstream',
  );
  expect(fired.exitCode, fired.stderr).toBe(0);
  const ended = async () =>
    (await sluiceJson('runs', '--pipeline', 'told')).doc as never as {
      state: string;
      branch: string;
      ended: string | null;
    }[];
  await expect.poll(async () => (await ended())[0]?.ended ?? null, { timeout: 120_000, interval: 500 }).not.toBeNull();
  expect((await ended())[0]).toMatchObject({ state: 'succeeded', branch: 'all' });
  const [spark, embedded] = await Promise.all(
    ['spark', 'embedded'].map(async (engine) => {
      const place = `data/published/told-${engine}/current/told`;
      const [part = ''] = (await readdir(join(folder, place))).filter((each) => each.endsWith('.csv'));
      return read(join(place, part));
    }),
  );
  expect(embedded).toBe(spark);
  expect(spark).toContain('schedule,yearly,2026-01-01T06:00 Europe/Moscow');
  expect(spark).toContain("it's");
  expect(spark).toContain('2026-01-01,2026-01-01 03:00:00');
});
