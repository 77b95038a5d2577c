import { chmod, chown, mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { SMTPServer } from 'smtp-server';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { backendOf } from '../../controller/cli/wiring.ts';
import { addressesOf, postgresAddress } from '../../controller/config/addresses.ts';
import { loadProject } from '../../controller/config/project.ts';
import { kafkaClient } from '../../controller/connect/kafka.ts';
import { emailNotifier } from '../../controller/notify/email.ts';
import { loadPipeline } from '../../controller/pipeline/loader.ts';
import { columnsOf } from '../../controller/pipeline/schema.ts';
import { jaas, runnerInput } from '../../controller/run/job.ts';
import { jarsOf } from '../../controller/stack/jars.ts';
import { javaBinary, light } from '../../controller/stack/java.ts';
import { portFree, until } from '../../controller/stack/process.ts';
import { type Certificates, certificates } from '../certificates.ts';
import { folder, otherProject, pause, project, query, sluiceJson, start } from './world.ts';

/** The customer report from a PostgreSQL that wants TLS and a Kafka that wants TLS and a login, both of a private authority. */

const here = await project();
const file = 'conf/pipelines/customer-report.yaml';
/** What would break a file, a URL or a configuration that does not expect it. */
const password = `k "a" \\f; {k}%41#'`;
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
  await demandTls();
  broker = await startBroker();
  await copyTopic();
  secured = await projectWith('secured', certs.ca, certs.ca);
}, 120_000);

/** The stack's own server, which from now on lets nobody see the shop without TLS. */
async function demandTls(): Promise<void> {
  const [at] = await query(`SELECT current_setting('data_directory') AS data, current_setting('hba_file') AS hba`);
  const { data, hba } = at as { data: string; hba: string };
  const { uid, gid } = await stat(join(data, 'PG_VERSION'));
  for (const [name, text] of [
    ['server.crt', certs.server.cert],
    ['server.key', certs.server.key],
  ] as const) {
    await writeFile(join(data, name), text, { mode: 0o600 });
    await chown(join(data, name), uid, gid);
    await chmod(join(data, name), 0o600);
  }
  const before = await readFile(hba, 'utf8');
  await writeFile(hba, `hostnossl shop all all reject\n${before}`);
  await query('ALTER SYSTEM SET ssl = on', 'sluice');
  await query('SELECT pg_reload_conf()', 'sluice');
  undo.push(async () => {
    await writeFile(hba, before);
    await query('ALTER SYSTEM SET ssl = off', 'sluice');
    await query('SELECT pg_reload_conf()', 'sluice');
    await until(
      () =>
        query('SELECT 1').then(
          () => true,
          () => false,
        ),
      10_000,
    );
  });
  expect(
    await until(
      () =>
        query('SELECT 1').then(
          () => false,
          () => true,
        ),
      10_000,
    ),
  ).toBe(true);
}

async function freePort(): Promise<number> {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 20_000);
    if (await portFree(port)) return port;
  }
}

/** A broker of its own, which talks TLS alone and to those alone who log in by SCRAM. */
async function startBroker(): Promise<string> {
  const at = join(here.home, 'secure-kafka');
  await mkdir(at, { recursive: true });
  const [port, inner, controller] = [await freePort(), await freePort(), await freePort()];
  const lines = {
    'process.roles': 'broker,controller',
    'node.id': 1,
    'controller.quorum.voters': `1@127.0.0.1:${controller}`,
    listeners: `SASL_SSL://127.0.0.1:${port},PLAINTEXT://127.0.0.1:${inner},CONTROLLER://127.0.0.1:${controller}`,
    'advertised.listeners': `SASL_SSL://127.0.0.1:${port},PLAINTEXT://127.0.0.1:${inner}`,
    'inter.broker.listener.name': 'PLAINTEXT',
    'controller.listener.names': 'CONTROLLER',
    'listener.security.protocol.map': 'SASL_SSL:SASL_SSL,PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'sasl.enabled.mechanisms': 'SCRAM-SHA-512',
    'listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config':
      'org.apache.kafka.common.security.scram.ScramLoginModule required;',
    'ssl.keystore.type': 'PEM',
    'ssl.keystore.location': join(at, 'server.pem'),
    'log.dirs': join(at, 'data'),
    'offsets.topic.replication.factor': 1,
  };
  await writeFile(join(at, 'server.pem'), `${certs.server.key}\n${certs.server.cert}`);
  await writeFile(
    join(at, 'server.properties'),
    Object.entries(lines)
      .map(([name, value]) => `${name}=${value}`)
      .join('\n'),
  );
  const java = [...light, '-cp', join(await jarsOf('kafka', here.root, () => undefined), '*')];
  const scram = `SCRAM-SHA-512=[name=sluice,password="${password.replace(/["\\]/g, '\\$&')}"]`;
  const format = [
    'kafka.tools.StorageTool',
    'format',
    '-t',
    'c2x1aWNlLXRscy10ZXN0LQ',
    '-c',
    join(at, 'server.properties'),
  ];
  await execa(javaBinary(), [...java, ...format, '--add-scram', scram]);
  const process = execa(javaBinary(), [...java, 'kafka.Kafka', join(at, 'server.properties')], {
    reject: false,
    stdio: 'ignore',
  });
  undo.push(() => {
    process.kill('SIGKILL');
    return process;
  });
  return `127.0.0.1:${port}`;
}

const login = { mechanism: 'SCRAM-SHA-512', user: 'sluice', password } as const;

async function copyTopic(): Promise<void> {
  const [from, to] = [
    kafkaClient({ brokers: here.endpoints.kafka }),
    kafkaClient({ brokers: [broker], tls: { ca: certs.ca }, sasl: login }),
  ];
  const admin = to.admin({ retry: { retries: 20 } });
  await admin.connect();
  await admin.createTopics({ topics: [{ topic: 'order-events', numPartitions: 4 }], waitForLeaders: true });
  await admin.disconnect();
  const source = from.admin();
  await source.connect();
  const wanted = (await source.fetchTopicOffsets('order-events')).reduce((sum, { high }) => sum + Number(high), 0);
  await source.disconnect();
  const [consumer, producer] = [from.consumer({ groupId: 'tls-copy' }), to.producer()];
  await Promise.all([consumer.connect(), producer.connect()]);
  await consumer.subscribe({ topic: 'order-events', fromBeginning: true });
  let copied = 0;
  await new Promise<void>((resolve) => {
    void consumer.run({
      eachBatch: async ({ batch }) => {
        const messages = batch.messages.map(({ key, value }) => ({ key, value, partition: batch.partition }));
        await producer.send({ topic: 'order-events', messages });
        copied += messages.length;
        if (copied === wanted) resolve();
      },
    });
  });
  await Promise.all([consumer.disconnect(), producer.disconnect()]);
}

/** A project whose shop and broker are the secured ones. */
const projectWith = (name: string, ca: string, kafkaCa: string): Promise<string> =>
  otherProject(name, (text) => {
    const port = new URL(here.endpoints.postgres).port;
    const shop = {
      url: `postgres://sluice@127.0.0.1:${port}/shop`,
      password: '${SHOP_PW}',
      sslmode: 'verify-full',
      sslrootcert: ca,
    };
    const kafka = { brokers: [broker], tls: true, ca: kafkaCa, sasl: { ...login, password: '${KAFKA_PW}' } };
    return text
      .replace('shop: { database: shop }', `shop: ${JSON.stringify(shop)}`)
      .replace('kafka:\n  shop: {}', `kafka:\n  shop: ${JSON.stringify(kafka)}`);
  });

async function inProject(root: string, ...args: string[]) {
  const SHOP_PW = (await readFile(join(here.home, 'secrets', 'postgres'), 'utf8')).trim();
  return start(args, { SHOP_PW, KAFKA_PW: password }, root);
}

describe('where TLS is demanded', () => {
  test('customer-report runs, its tables written over TLS, too', async () => {
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
    process.env.KAFKA_PW = password;
    undo.push(() => {
      delete process.env.SHOP_PW;
      delete process.env.KAFKA_PW;
    });
    const there = await loadProject(secured);
    const addresses = addressesOf(there);
    const { pipeline } = await loadPipeline(
      join(secured, file),
      {
        postgres: ['shop'],
        kafka: ['shop'],
        allow: { paths: [folder, here.root, join(folder, '..'), process.cwd()], sparkConf: [] },
      },
      secured,
    );
    const source = pipeline.sources.order_events;
    if (!source || !('kafka' in source)) throw new Error('customer-report reads a topic');
    expect(columnsOf(source).length).toBeGreaterThan(3);
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
    const input = runnerInput(
      'order_events',
      source,
      { kind: 'kafka', topic: 'order-events', partitions },
      2,
      addresses,
    );
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
    expect(text).not.toContain(JSON.stringify(password).slice(1, -1));
    await writeFile(join(at, 'job.json'), text);
    await writeFile(job.secrets, JSON.stringify({ conf: {}, jaas: { order_events: jaas(addresses.kafka('shop')) } }), {
      mode: 0o600,
    });
    const backend = backendOf(here);
    const settings = {
      executors: 1,
      executorCores: 2,
      executorMemory: '512m',
      driverMemory: '512m',
      partitions: 2,
      profile: 'quick' as const,
      conf: {},
    };
    const jar = `local:${join(folder, 'spark-jobs', 'target', 'spark-runner.jar')}`;
    const submission = await backend.submit(
      { jar, mainClass: 'sluice.runner.Runner', args: [join(at, 'job.json')], settings, properties: {} },
      job.key,
    );
    while (['pending', 'running'].includes((await backend.observe(submission)).state)) await pause(300);
    const result = JSON.parse(await readFile(job.result, 'utf8'));
    expect(result).toMatchObject({ state: 'succeeded' });
    expect(result.inputs[0].read).toBe(partitions.reduce((sum, { start: from, end }) => sum + end - from, 0));
  });

  test('a wrong authority, a wrong name and no TLS are refused, each as what it is', async () => {
    const wrongPostgres = await projectWith('wrong-postgres', certs.otherCa, certs.ca);
    const first = await inProject(wrongPostgres, 'plan', file);
    expect([first.exitCode, first.stderr]).toEqual([
      2,
      expect.stringMatching(/no TLS as sslmode verify-full asks for it: .*certificate/),
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
      const { connectPostgres } = await import('../../controller/connect/postgres.ts');
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

test('a password goes to a mail server by verified TLS alone', async () => {
  const heard: string[] = [];
  const server = new SMTPServer({
    ...certs.server,
    onAuth: ({ username, password: told }, _session, done) => {
      heard.push(`${username} ${told}`);
      done(null, { user: username });
    },
    onData: (stream, _session, done) => stream.resume().on('end', () => done()),
  });
  const plain = new SMTPServer({
    disabledCommands: ['STARTTLS'],
    onAuth: (_auth, _session, done) => done(null, { user: 'x' }),
  });
  const listen = (each: SMTPServer): Promise<number> =>
    new Promise((resolve) =>
      each.listen(0, '127.0.0.1', () => resolve((each.server.address() as { port: number }).port)),
    );
  try {
    const [secure, open] = [await listen(server), await listen(plain)];
    const mail = { id: '<1@x>', to: 'a@example.org', from: 'b@example.org', subject: 's', text: 't', html: 'h' };
    const by = (port: number, ca: string) =>
      emailNotifier({ host: '127.0.0.1', port, tls: 'required', ca, login: { user: 'me', password } }).send(
        mail as never,
      );
    await by(secure, certs.ca);
    expect(heard).toEqual([`me ${password}`]);
    await expect(by(secure, certs.otherCa)).rejects.toThrow(/certificate/);
    await expect(by(open, certs.ca)).rejects.toThrow(/mail server/);
    expect(heard).toHaveLength(1);
  } finally {
    server.close(() => undefined);
    plain.close(() => undefined);
    await rm(join(here.home, 'secure-job'), { recursive: true, force: true });
  }
});
