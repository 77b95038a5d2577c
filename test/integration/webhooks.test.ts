import { createHmac } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ownProject, Servers, seeded } from './servers.ts';
import { query } from './world.ts';

/** Deliveries of webhooks to two servers that are killed, with a store that loses its connections. */

const secret = 'the secret of the sender';
const hooks = 25;
/** As many as the environment says: 2000 take some minutes. */
const deliveries = Number(process.env.SLUICE_TEST_DELIVERIES ?? 400);
const pipeline = `name: hooked
sources: { one: { csv: data/*.csv, key: id, columns: { id: bigint } } }
branches: [{ name: all }]
steps:
  work: { engine: embedded, spark: { sql: work.sql }, outputs: [{ parquet: published/hooked, views: [total] }] }
triggers:
${Array.from({ length: hooks }, (_, i) => `  h${i}: { webhook: { signature: github, secret: "\${HOOK_SECRET}" } }`).join('\n')}
`;
let database = '';
let servers: Servers;

beforeAll(async () => {
  const own = await ownProject('hooked-project', {
    'conf/pipelines/hooked.yaml': pipeline,
    'data/a.csv': 'id\n1\n',
    'work.sql': 'CREATE OR REPLACE TEMP VIEW total AS SELECT sum(id) AS total FROM one',
  });
  ({ database } = own);
  // Runs are counted, and not executed.
  servers = new Servers(own.folder, ['--runs', '0'], { HOOK_SECRET: secret });
  await servers.start(0);
  await servers.start(1);
});
afterAll(() => servers.stop());

interface Answer {
  readonly status: number;
  readonly key: string;
  readonly run: string | null;
}

async function send(server: number, i: number): Promise<Answer> {
  const body = JSON.stringify({ delivery: i });
  const headers = {
    'x-hub-signature-256': `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`,
    'x-github-delivery': `d${i}`,
    'content-type': 'application/json',
  };
  const url = `${servers.url(server)}/hooks/hooked/h${i % hooks}`;
  const response = await fetch(url, { method: 'POST', headers, body, signal: AbortSignal.timeout(30_000) });
  const { run = null } = (await response.json()) as { run?: string };
  return { status: response.status, key: `d${i}`, run };
}

test('each delivery has one run, and every answer of 2xx has its run in the store', async () => {
  const random = seeded(11);
  const stopHarassing = servers.harass(random, 1500);
  let cuts = 0;
  const cut = setInterval(() => {
    cuts += 1;
    const others = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${database}'`;
    query(others).catch(() => undefined);
  }, 4000);
  const answers: Answer[] = [];
  let tries = 0;
  /** As a sender does: again until it is taken. */
  async function deliver(i: number, copy: number): Promise<void> {
    for (let wait = 50; ; wait = Math.min(2000, wait * 2)) {
      tries += 1;
      const answer = await send(copy, i).catch(() => undefined);
      if (answer && answer.status < 300) {
        answers.push(answer);
        return;
      }
      expect([undefined, 503, 429], `delivery ${i}`).toContain(answer?.status);
      await sleep(wait);
    }
  }
  const queue = Array.from({ length: deliveries }, (_, i) => i);
  const worker = async (): Promise<void> => {
    for (let i = queue.shift(); i !== undefined; i = queue.shift()) {
      const copies = 1 + Math.floor(random() * 5);
      await Promise.all(Array.from({ length: copies }, (_, copy) => deliver(i as number, copy)));
    }
  };
  await Promise.all(Array.from({ length: 12 }, worker));
  clearInterval(cut);
  await stopHarassing();

  const rows = await query('SELECT key, outcome, run FROM firings', database);
  const runs = await query('SELECT run FROM runs', database);
  process.stdout.write(
    `webhooks: ${deliveries} deliveries in ${answers.length} copies and ${tries} requests, ${servers.kills} kills, ${cuts} times the store cut all connections: ${rows.length} firings, ${runs.length} runs\n`,
  );
  expect(rows.filter(({ outcome }) => outcome !== 'started')).toEqual([]);
  expect(new Set(rows.map(({ key }) => key)).size).toBe(deliveries);
  expect(rows).toHaveLength(deliveries);
  expect(runs).toHaveLength(deliveries);
  const runOf = new Map(rows.map(({ key, run }) => [key, run]));
  expect(answers.filter(({ key, run }) => runOf.get(key) !== run)).toEqual([]);
  expect(servers.kills).toBeGreaterThan(3);
  expect(cuts).toBeGreaterThan(1);
});
