import { isUtf8 } from 'node:buffer';
import type { Kafka } from 'kafkajs';
import type { Duck } from '../../../clients/duckdb.ts';
import { fetchRanges } from '../../../clients/kafka-fetch.ts';
import type { KafkaPin } from './pin.ts';

/** No message for this long, with some still to come, is a broker that has stopped answering. */
const idleTimeoutMs = 30_000;
/** So many messages are handed to DuckDB at a time. */
const flushEvery = 10_000;

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
  const read = { bytes: 0, count: 0, youngest: 0 };
  if (ranges.every(({ start, end }) => start >= end)) return read;
  const appender = await duck.appender(table);
  try {
    await fetchRanges(
      kafka,
      pin.topic,
      ranges,
      idleTimeoutMs,
      (partition, offset, timestamp, buffer, start, end, keyBytes) => {
        appender.appendInteger(partition);
        appender.appendBigInt(BigInt(offset));
        if (start < 0) appender.appendNull();
        else appender.appendVarchar(buffer.toString('utf8', start, end));
        appender.appendBoolean(start < 0 || isUtf8(buffer.subarray(start, end)));
        appender.endRow();
        read.youngest = Math.max(read.youngest, timestamp);
        read.bytes += (start < 0 ? 0 : end - start) + keyBytes;
        read.count += 1;
        if (read.count % flushEvery === 0) appender.flushSync();
      },
    );
  } finally {
    appender.closeSync();
  }
  return read;
}
