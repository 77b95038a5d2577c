import { createWriteStream } from 'node:fs';
import { appendFile, mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { to as copyTo } from 'pg-copy-streams';
import { type Duck, openDuck } from '../../controller/clients/duckdb.ts';
import { kafkaClient } from '../../controller/clients/kafka.ts';
import { connectPostgres } from '../../controller/clients/postgres.ts';
import { literal } from '../../controller/clients/sql.ts';
import { postgresAddress } from '../../controller/config/addresses.ts';
import { mismatches } from '../mismatches.ts';
import { folder, project } from './world.ts';

/** The same marts by another engine: DuckDB runs the same SQL on the shop's data, read without any code of Sluice. */
export async function oracle(...sqlFiles: string[]): Promise<{
  duck: Duck;
  mismatches(view: string, published: string): ReturnType<typeof mismatches>;
  close(): Promise<void>;
}> {
  const { home } = await project();
  const own = join(home, 'oracle');
  await rm(own, { recursive: true, force: true });
  await mkdir(own, { recursive: true });
  const duck = await openDuck(own, [folder, own]);
  await tables(duck, own);
  await deliveries(duck);
  await events(duck, own);
  await duck.run('CREATE MACRO unix_seconds(t) AS CAST(epoch(t) AS BIGINT)');
  for (const file of sqlFiles) await duck.run(await readFile(join(folder, file), 'utf8'));

  return {
    duck,
    mismatches: (view, published) => mismatches(duck, view, published),
    close: () => duck.close(),
  };
}

async function tables(duck: Duck, own: string): Promise<void> {
  const client = await connectPostgres(postgresAddress(await project(), { database: 'shop' }));
  const types = {
    users:
      "'user_id': 'BIGINT', 'name': 'VARCHAR', 'email': 'VARCHAR', 'city': 'VARCHAR', 'registered_at': 'TIMESTAMP'",
    orders:
      "'order_id': 'BIGINT', 'user_id': 'BIGINT', 'status': 'VARCHAR', 'amount': 'DECIMAL(12,2)', 'currency': 'VARCHAR', 'created_at': 'TIMESTAMP'",
    payments:
      "'payment_id': 'BIGINT', 'order_id': 'BIGINT', 'amount': 'DECIMAL(12,2)', 'currency': 'VARCHAR', 'status': 'VARCHAR', 'paid_at': 'TIMESTAMP'",
  };
  try {
    for (const [table, columns] of Object.entries(types)) {
      const file = join(own, `${table}.csv`);
      await pipeline(client.query(copyTo(`COPY ${table} TO STDOUT (FORMAT csv, HEADER)`)), createWriteStream(file));
      await duck.run(
        `CREATE TABLE ${table} AS SELECT * FROM read_csv(${literal(file)}, header=true, columns={${columns}})`,
      );
    }
  } finally {
    await client.end();
  }
}

/** DuckDB's typed reader selects the valid rows; it omits what it cannot read. */
async function deliveries(duck: Duck): Promise<void> {
  const columns =
    "'delivery_id': 'BIGINT', 'order_id': 'BIGINT', 'status': 'VARCHAR', 'carrier': 'VARCHAR', 'updated_at': 'TIMESTAMP'";
  await duck.run(
    `CREATE TABLE deliveries AS SELECT * FROM read_csv(${literal(join(folder, 'data/deliveries/*.csv'))}, header=true, quote='"', escape='"', delim=',', columns={${columns}}, ignore_errors=true)
     WHERE order_id IS NOT NULL AND updated_at IS NOT NULL AND status IN ('created', 'in_transit', 'delivered', 'failed', 'returned')`,
  );
}

async function events(duck: Duck, own: string): Promise<void> {
  const { endpoints } = await project();
  const kafka = kafkaClient({ brokers: endpoints.kafka });
  const admin = kafka.admin();
  await admin.connect();
  const open = new Map(
    (await admin.fetchTopicOffsets('order-events'))
      .filter((p) => p.high !== p.low)
      .map((p) => [p.partition, Number(p.high) - 1]),
  );
  await admin.disconnect();
  const file = join(own, 'events.ndjson');
  const consumer = kafka.consumer({ groupId: `oracle-${Date.now()}`, maxWaitTimeInMs: 100 });
  await consumer.connect();
  await consumer.subscribe({ topic: 'order-events', fromBeginning: true });
  await new Promise<void>((resolve) => {
    void consumer.run({
      eachBatch: async ({ batch }) => {
        await appendFile(file, batch.messages.map((message) => `${message.value?.toString()}\n`).join(''));
        if (Number(batch.lastOffset()) >= (open.get(batch.partition) ?? 0)) open.delete(batch.partition);
        if (open.size === 0) resolve();
      },
    });
  });
  await consumer.disconnect();
  const columns = "event_id: 'VARCHAR', order_id: 'BIGINT', seq: 'INTEGER', type: 'VARCHAR', occurred_at: 'TIMESTAMP'";
  await duck.run(
    `CREATE TABLE order_events AS SELECT * FROM read_json(${literal(file)}, format='newline_delimited', columns={${columns}})`,
  );
}
