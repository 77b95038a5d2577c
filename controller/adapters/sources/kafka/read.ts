import { isUtf8 } from 'node:buffer';
import type { Kafka } from 'kafkajs';
import type { Duck } from '../../../clients/duckdb.ts';
import { fetchRanges } from '../../../clients/kafka-fetch.ts';
import { readInstead } from './json.ts';
import type { KafkaPin } from './pin.ts';

/** A broker that sends no message for this long before the end offset has stopped answering. */
const idleTimeoutMs = 30_000;
/** Messages per flush into DuckDB. */
const rowsPerFlush = 10_000;

/** The table of messages. No field of a message can have one of these names. */
export const messages = {
  table: '__sluice_messages',
  part: '__sluice_partition',
  pos: '__sluice_offset',
  text: '__sluice_text',
  /** The text to read instead of the message; empty for invalid JSON, NULL when the message itself will do. */
  instead: '__sluice_instead',
  /** Whether the value is valid UTF-8; invalid bytes were replaced in the text. */
  isText: '__sluice_utf8',
} as const;

/** Creates the table and returns its writer. Fields in `exact` preserve their text. */
export async function messageTable(
  duck: Duck,
  exact: ReadonlySet<string>,
): Promise<{ add(partition: number, offset: number, value: Buffer | undefined): void; flush(): void; close(): void }> {
  const { table, part, pos, text, instead, isText } = messages;
  await duck.run(
    `CREATE TABLE ${table} (${part} INTEGER, ${pos} BIGINT, ${text} VARCHAR, ${instead} VARCHAR, ${isText} BOOLEAN)`,
  );
  const appender = await duck.appender(table);
  return {
    add(partition, offset, bytes) {
      appender.appendInteger(partition);
      appender.appendBigInt(BigInt(offset));
      const value = bytes?.toString('utf8');
      for (const each of [value, value === undefined ? undefined : readInstead(value, exact)]) {
        if (each === undefined) appender.appendNull();
        else appender.appendVarchar(each);
      }
      appender.appendBoolean(bytes === undefined || isUtf8(bytes));
      appender.endRow();
    },
    flush: () => appender.flushSync(),
    close: () => appender.closeSync(),
  };
}

/**
 * Reads the messages from the given offsets to the pinned ends into the table. Throws `unavailable` when they stop
 * arriving.
 */
export async function readMessages(
  kafka: Kafka,
  pin: KafkaPin,
  from: ReadonlyMap<number, number>,
  exact: ReadonlySet<string>,
  duck: Duck,
): Promise<{ bytes: number; count: number; youngest: number }> {
  const table = await messageTable(duck, exact);
  const ranges = pin.partitions.map(({ partition, start, end }) => ({
    partition,
    start: from.get(partition) ?? start,
    end,
  }));
  const read = { bytes: 0, count: 0, youngest: 0 };
  try {
    if (ranges.every(({ start, end }) => start >= end)) return read;
    await fetchRanges(
      kafka,
      pin.topic,
      ranges,
      idleTimeoutMs,
      (partition, offset, timestamp, buffer, start, end, keyBytes) => {
        table.add(partition, Number(offset), start < 0 ? undefined : buffer.subarray(start, end));
        read.youngest = Math.max(read.youngest, timestamp);
        read.bytes += (start < 0 ? 0 : end - start) + keyBytes;
        read.count += 1;
        if (read.count % rowsPerFlush === 0) table.flush();
      },
    );
  } finally {
    table.close();
  }
  return read;
}
