import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { jaas, kafkaSource } from '../../controller/adapters/sources/kafka/driver.ts';
import { builtIn } from '../../controller/app/registry.ts';
import { backendsOf } from '../../controller/app/wiring.ts';
import { kafkaClient } from '../../controller/clients/kafka.ts';
import { connectPostgres } from '../../controller/clients/postgres.ts';
import { addressesOf, postgresAddress } from '../../controller/config/addresses.ts';
import { loadProject } from '../../controller/config/project.ts';
import { loadPipeline } from '../../controller/pipeline/loader.ts';
import { type Certificates, certificates } from '../certificates.ts';
import { copyTopic, demandTls, oddPassword, saslLogin, startBroker } from './secured.ts';
import { folder, otherProject, pause, project, sluiceJson, start } from './world.ts';

/**
 * The customer report from a PostgreSQL that requires TLS and a Kafka that requires TLS and a login, both with a
 * private authority.
 */

const here = await project();
const file = 'conf/pipelines/customer-report.yaml';
const undo: (() => unknown)[] = [];
let certs: Certificates;
let secured: string;
let broker: string;

afterAll(async () => {
  for (const step of undo.reverse()) await step();
});

beforeAll(async () => {
  certs = await certificates(join(here.home, 'certificates'));
  const { exitCode, stderr } = await sluiceJson('demo-data', '--rows', '6000', '--seed', '7');
  expect(exitCode, stderr).toBe(0);
  const started = await startBroker(here, join(here.home, 'secure-kafka'), certs.server);
  undo.push(started.stop);
  broker = started.address;
  await copyTopic(here, broker, certs.ca);
  undo.push(await demandTls(certs.server));
  secured = await projectWith('secured', certs.ca, certs.ca);
});

/** A project with the secured shop and broker. */
const projectWith = (name: string, ca: string, kafkaCa: string): Promise<string> =>
  otherProject(name, (text) => {
    const port = new URL(here.endpoints.postgres).port;
    const shop = {
      url: `postgres://sluice@127.0.0.1:${port}/shop`,
      password: '${SHOP_PW}',
      sslmode: 'verify-full',
      sslrootcert: ca,
    };
    const kafka = { brokers: [broker], tls: true, ca: kafkaCa, sasl: { ...saslLogin, password: '${KAFKA_PW}' } };
    return text
      .replace('shop: { database: shop }', `shop: ${JSON.stringify(shop)}`)
      .replace('kafka:\n  shop: {}', `kafka:\n  shop: ${JSON.stringify(kafka)}`);
  });

async function inProject(root: string, ...args: string[]) {
  const SHOP_PW = (await readFile(join(here.home, 'secrets', 'postgres'), 'utf8')).trim();
  return start(args, { SHOP_PW, KAFKA_PW: oddPassword }, root);
}

describe('with required TLS', () => {
  test('customer-report runs, and also writes its tables over TLS', async () => {
    const { exitCode, stdout, stderr } = await inProject(secured, 'run', file, '--json');
    expect(exitCode, stderr).toBe(0);
    const doc = JSON.parse(stdout);
    expect(doc).toMatchObject({ state: 'succeeded' });
    const rows = Object.values(doc.sources as Record<string, { rows: number }>).reduce(
      (sum, each) => sum + each.rows,
      0,
    );
    expect(rows).toBe(6000);
    expect(doc.outputs.filter((output: { kind: string }) => output.kind === 'postgres')).toHaveLength(3);
  });

  test('Spark itself reads the topic with the same TLS and login, and its job holds no password', async () => {
    process.env.SHOP_PW = 'x';
    process.env.KAFKA_PW = oddPassword;
    undo.push(() => {
      delete process.env.SHOP_PW;
      delete process.env.KAFKA_PW;
    });
    const there = await loadProject(secured);
    const addresses = addressesOf(there);
    const { pipeline } = await loadPipeline(
      join(secured, file),
      {
        kinds: builtIn,
        connections: { postgres: ['shop'], kafka: ['shop'] },
        allow: { paths: [folder, here.root, join(folder, '..'), process.cwd()], sparkConf: [] },
      },
      secured,
    );
    const source = pipeline.sources.order_events;
    if (!source || !('kafka' in source)) throw new Error('customer-report reads a topic');
    const admin = kafkaClient(addresses.kafka('shop')).admin();
    await admin.connect();
    const partitions = (await admin.fetchTopicOffsets('order-events')).map(({ partition, low, high }) => ({
      partition,
      start: Number(low),
      end: Number(high),
    }));
    await admin.disconnect();
    const at = join(here.home, 'secure-job');
    await mkdir(at);
    const pin = { kind: 'kafka', topic: 'order-events', partitions };
    const input = kafkaSource.input?.({ name: 'order_events', source, pin, partitions: 2 }, there).input;
    const job = {
      key: `sluice-tls-${Date.now()}`,
      result: join(at, 'result.json'),
      claim: join(at, 'claim'),
      revoked: join(at, 'revoked'),
      secrets: join(at, 'secrets.json'),
      quarantine: at,
      sql: 'CREATE OR REPLACE TEMP VIEW counted AS SELECT count(*) AS n FROM order_events',
      partitions: 2,
      inputs: [input],
      outputs: [{ view: 'counted', kind: 'parquet', place: join(at, 'out') }],
    };
    const text = JSON.stringify(job);
    expect(text).not.toContain(JSON.stringify(oddPassword).slice(1, -1));
    await writeFile(join(at, 'job.json'), text);
    await writeFile(job.secrets, JSON.stringify({ conf: {}, jaas: { order_events: jaas(addresses.kafka('shop')) } }), {
      mode: 0o600,
    });
    const { backend } = await backendsOf(here);
    const settings = {
      executors: 1,
      executorCores: 2,
      executorMemory: '512m',
      driverMemory: '512m',
      partitions: 2,
      profile: 'quick' as const,
      conf: {},
    };
    const submission = await backend.submit(
      { spec: join(at, 'job.json'), settings, properties: {}, secretFiles: [], labels: {} },
      job.key,
    );
    while (['pending', 'running'].includes((await backend.observe(submission)).state)) await pause(300);
    const result = JSON.parse(await readFile(job.result, 'utf8'));
    expect(result).toMatchObject({ state: 'succeeded' });
    expect(result.inputs[0].read).toBe(partitions.reduce((sum, { start: from, end }) => sum + end - from, 0));
  });

  test('a wrong authority, a wrong name and missing TLS are refused, each with its own error', async () => {
    const wrongPostgres = await projectWith('wrong-postgres', certs.otherCa, certs.ca);
    const first = await inProject(wrongPostgres, 'plan', file);
    expect([first.exitCode, first.stderr]).toEqual([
      2,
      expect.stringMatching(/no TLS as sslmode verify-full requires it: .*certificate/),
    ]);

    const wrongKafka = await projectWith('wrong-kafka', certs.ca, certs.otherCa);
    const second = await inProject(wrongKafka, 'plan', file);
    expect(second.exitCode).toBeGreaterThan(1);
    expect(second.stderr).toMatch(/Kafka at .*certificate/);

    const named = {
      url: here.endpoints.postgres.replace('127.0.0.1', 'localhost'),
      database: 'shop',
      sslrootcert: certs.ca,
    };
    const password = await readFile(join(here.home, 'secrets', 'postgres'), 'utf8');
    const connect = async (more: object) => {
      const client = await connectPostgres(postgresAddress(here, { ...named, password: password.trim(), ...more }));
      await client.end();
    };
    await expect(connect({ sslmode: 'verify-full' })).rejects.toThrow(/altnames/);
    await expect(connect({ sslmode: 'verify-ca' })).resolves.toBeUndefined();
    await expect(connect({ sslmode: 'verify-ca', sslrootcert: certs.otherCa })).rejects.toThrow(/certificate/);
    await expect(connect({ sslmode: 'require', sslrootcert: undefined })).resolves.toBeUndefined();
    await expect(connect({ sslmode: 'disable' })).rejects.toMatchObject({ kind: 'rejected' });
  });
});
