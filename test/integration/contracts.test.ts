import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { emailNotifier } from '../../controller/adapters/notifiers/email/email.ts';
import { stagingTable } from '../../controller/adapters/sinks/postgres/driver.ts';
import { postgresPublisher } from '../../controller/adapters/sinks/postgres/postgres.ts';
import { kafkaReader } from '../../controller/adapters/sources/kafka/kafka.ts';
import { postgresReader } from '../../controller/adapters/sources/postgres/postgres.ts';
import { fileStorage as storage } from '../../controller/adapters/storage/file/file.ts';
import { postgresStore } from '../../controller/adapters/store/postgres/store.ts';
import { backendsOf } from '../../controller/app/wiring.ts';
import { kafkaClient } from '../../controller/clients/kafka.ts';
import { mailServer, postgresAddress } from '../../controller/config/addresses.ts';
import type { Source } from '../../controller/domain/pipeline.ts';
import type { BatchJob } from '../../controller/domain/ports/backend.ts';
import { backendContract } from '../contract/backend.ts';
import { livyContract } from '../contract/livy.ts';
import { notifierContract } from '../contract/notifier.ts';
import { publisherContract } from '../contract/publisher.ts';
import { columns, rows, sourceReaderContract } from '../contract/source-reader.ts';
import { storeContract } from '../contract/store.ts';
import { login, mails, project, query } from './world.ts';

const here = await project();
const shop = postgresAddress(here, { database: 'shop' });
let next = 0;
const fresh = (name: string): string => {
  next += 1;
  return `${name}_${Date.now().toString(36)}_${next}`;
};
const scratch = join(here.home, 'tmp');

storeContract('in PostgreSQL', async () => ({
  as: (owner) => postgresStore(postgresAddress(here, { database: 'sluice' }), owner),
  pass: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
}));

notifierContract('by SMTP', async () => ({
  notifier: emailNotifier(mailServer(here)),
  received: async (id) => (await mails()).filter((mail) => mail.id === id).map((mail) => mail.text),
}));

publisherContract('of PostgreSQL tables', async () => {
  const schema = fresh('sink');
  const publisher = postgresPublisher(() => shop);
  return {
    publisher,
    async stage(key, views) {
      const staged = Object.entries(views).map(([view, n]) => ({
        view,
        place: stagingTable(schema, view, key),
        rows: n,
      }));
      const all = { kind: 'postgres' as const, target: `shop/${schema}`, key, views: staged };
      await publisher.prepare(all);
      for (const { place, rows: n } of staged) {
        await query(`CREATE TABLE ${place} AS SELECT i FROM generate_series(1, ${n}) i`);
      }
      return all;
    },
    async read(view) {
      const [there] = await query(`SELECT to_regclass('${schema}.${view}') IS NOT NULL AS there`);
      return there?.there ? ((await query(`SELECT count(*) AS n FROM ${schema}.${view}`))[0]?.n as number) : undefined;
    },
  };
});

const literal = (value: string): string => (value === '' ? 'NULL' : `'${value.replaceAll("'", "''")}'`);

sourceReaderContract('a PostgreSQL table', async (snapshots) => {
  const table = fresh('things');
  await query(`CREATE TABLE ${table} (id bigint, status text, note text)`);
  await query(`INSERT INTO ${table} VALUES ${rows.map((row) => `(${row.map(literal).join(', ')})`).join(', ')}`);
  return {
    reader: postgresReader(() => shop, scratch, snapshots),
    source: { postgres: 'shop', table, key: 'id', columns } as unknown as Source,
    addRow: async () => {
      await query(`INSERT INTO ${table} VALUES (6, 'new', 'later')`);
    },
  };
});

const kafka = kafkaClient({ brokers: here.endpoints.kafka });
const admin = kafka.admin();
const producer = kafka.producer();
await Promise.all([admin.connect(), producer.connect()]);
afterAll(() => Promise.all([admin.disconnect(), producer.disconnect()]));

sourceReaderContract('a Kafka topic', async (snapshots) => {
  const topic = fresh('things');
  await admin.createTopics({ topics: [{ topic, numPartitions: 2 }], waitForLeaders: true });
  const json = ([id, status, note]: readonly string[]): string =>
    JSON.stringify({ id: id === '' ? null : Number(id), status, note });
  const send = (values: readonly string[]) =>
    producer.send({ topic, messages: values.map((value, i) => ({ value, partition: i % 2 })) });
  await send(rows.map(json));
  return {
    reader: kafkaReader({ addressOf: () => ({ brokers: here.endpoints.kafka }), storage, scratch, snapshots }),
    source: { kafka: 'shop', topic, key: 'id', columns } as unknown as Source,
    addRow: async () => {
      await send([json(['6', 'new', 'later'])]);
    },
  };
});

livyContract('Livy', async () => ({ url: here.endpoints.livy, headers: await login() }));

backendContract('Livy', async () => {
  const job = async (sql: string): Promise<BatchJob> => {
    const name = fresh('job');
    const file = join(here.home, `${name}.json`);
    await writeFile(
      file,
      JSON.stringify({
        key: name,
        result: join(here.home, `${name}.result`),
        claim: join(here.home, `${name}.claim`),
        quarantine: here.home,
        sql,
        partitions: 2,
        inputs: [],
        outputs: sql.includes('slow') ? [{ view: 'slow', kind: 'parquet', place: join(here.home, name) }] : [],
      }),
    );
    const settings = {
      executors: 1,
      executorCores: 2,
      executorMemory: '512m',
      driverMemory: '512m',
      partitions: 2,
      profile: 'quick' as const,
      conf: {},
    };
    return { spec: file, settings, properties: {}, secretFiles: [], labels: {} };
  };
  return {
    backend: (await backendsOf(here)).backend,
    short: await job('CREATE OR REPLACE TEMP VIEW quick AS SELECT 1 AS x'),
    long: await job(
      "CREATE OR REPLACE TEMP VIEW slow AS SELECT java_method('java.lang.Thread', 'sleep', 86400000L) AS n FROM range(2)",
    ),
    failing: await job('SELECT nope'),
    newKey: (name) => `sluice-${fresh(name)}`,
  };
});
