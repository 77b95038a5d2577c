import { isUtf8 } from 'node:buffer';
import { randomUUID } from 'node:crypto';
import type { DuckDBAppender } from '@duckdb/node-api';
import type { Kafka, KafkaMessage } from 'kafkajs';
import type { Duck } from '../connect/duckdb.ts';
import { SluiceError } from '../errors.ts';
import type { KafkaPin } from './port.ts';

/** No message for this long, with some still to come, is a broker that has stopped answering. */
const idleTimeoutMs = 30_000;

/** The table that messages are read into; no field of a message can have one of these names. */
export const messages = {
  table: '__sluice_messages',
  part: '__sluice_partition',
  pos: '__sluice_offset',
  text: '__sluice_text',
  /** Whether the value's bytes are UTF-8; what is not was replaced in the text. */
  isText: '__sluice_utf8',
} as const;

/** Reads the messages from given offsets to the pinned ends into the table, which it makes. Throws `unavailable` when they stop coming. */
export async function readMessages(
  kafka: Kafka,
  pin: KafkaPin,
  from: ReadonlyMap<number, number>,
  duck: Duck,
): Promise<{ bytes: number; count: number; youngest: number }> {
  const { table, part, pos, text, isText } = messages;
  await duck.run(`CREATE TABLE ${table} (${part} INTEGER, ${pos} BIGINT, ${text} VARCHAR, ${isText} BOOLEAN)`);
  const ranges = pin.partitions.map(({ partition, start, end }) => ({
    partition,
    start: from.get(partition) ?? start,
    end,
  }));
  const open = new Map(ranges.filter((p) => p.end > p.start).map((p) => [p.partition, p]));
  let youngest = 0;
  if (open.size === 0) return { bytes: 0, count: 0, youngest };
  const groupId = `sluice-probe-${randomUUID()}`;
  const consumer = kafka.consumer({
    groupId,
    maxWaitTimeInMs: 200,
    maxBytesPerPartition: 4 << 20,
    retry: { retries: 4 },
  });
  const appender = await duck.appender(table);
  let bytes = 0;
  let count = 0;
  let heard = Date.now();
  await consumer.connect();
  try {
    await consumer.subscribe({ topic: pin.topic, fromBeginning: true });
    await new Promise<void>((resolve, reject) => {
      const watch = setInterval(() => {
        if (Date.now() - heard < idleTimeoutMs) return;
        reject(
          new SluiceError(`topic ${pin.topic}: no message for ${idleTimeoutMs / 1000} s, with some still to come`, {
            kind: 'unavailable',
          }),
        );
      }, 1000).unref();
      const end = (settle: () => void): void => {
        clearInterval(watch);
        settle();
      };
      consumer.on(consumer.events.CRASH, ({ payload }) => end(() => reject(payload.error)));
      consumer
        .run({
          autoCommit: false,
          eachBatchAutoResolve: false,
          eachBatch: async ({ batch, resolveOffset, heartbeat }) => {
            heard = Date.now();
            const range = open.get(batch.partition);
            if (!range) return;
            for (const message of batch.messages) {
              const offset = Number(message.offset);
              if (offset < range.start || offset >= range.end) continue;
              append(appender, batch.partition, offset, message);
              youngest = Math.max(youngest, Number(message.timestamp));
              bytes += (message.value?.length ?? 0) + (message.key?.length ?? 0);
              count += 1;
            }
            appender.flushSync();
            resolveOffset(batch.lastOffset());
            await heartbeat();
            if (Number(batch.lastOffset()) >= range.end - 1) {
              open.delete(batch.partition);
              consumer.pause([{ topic: pin.topic, partitions: [batch.partition] }]);
            }
            if (open.size === 0) end(resolve);
          },
        })
        .then(() => {
          for (const p of open.values())
            consumer.seek({ topic: pin.topic, partition: p.partition, offset: String(p.start) });
        })
        .catch((error) => end(() => reject(error)));
    });
  } finally {
    appender.closeSync();
    await consumer.disconnect();
    await forget(kafka, groupId);
  }
  return { bytes, count, youngest };
}

function append(appender: DuckDBAppender, partition: number, offset: number, { value }: KafkaMessage): void {
  appender.appendInteger(partition);
  appender.appendBigInt(BigInt(offset));
  if (value === null) appender.appendNull();
  else appender.appendVarchar(value.toString('utf8'));
  appender.appendBoolean(value === null || isUtf8(value));
  appender.endRow();
}

/** The probe's group has no use afterwards; a broker that keeps it forgets it by itself in time. */
async function forget(kafka: Kafka, groupId: string): Promise<void> {
  const admin = kafka.admin();
  try {
    await admin.connect();
    await admin.deleteGroups([groupId]);
  } catch {
    // Only tidiness is lost.
  } finally {
    await admin.disconnect();
  }
}
