import { isUtf8 } from 'node:buffer';
import type { Kafka } from 'kafkajs';
import type { Duck } from '../../../clients/duckdb.ts';
import { fetchRanges } from '../../../clients/kafka-fetch.ts';
import { readInstead } from './json.ts';
import type { KafkaPin } from './pin.ts';

/** No message for this long, with some still to come, is a broker that has stopped answering. */
const idleTimeoutMs = 30_000;
/** So many messages are handed to DuckDB at a time. */
const rowsPerFlush = 10_000;

/** The table that messages are read into; no field of a message can have one of these names. */
export const messages = {
  table: '__sluice_messages',
  part: '__sluice_partition',
  pos: '__sluice_offset',
  text: '__sluice_text',
  /** What is to be read in place of the text; empty where it is no JSON, NULL where the text itself will do. */
  instead: '__sluice_instead',
  /** Whether the value's bytes are UTF-8; what is not was replaced in the text. */
  isText: '__sluice_utf8',
} as const;

/** Makes the table, and returns what fills it; fields in `exact` keep the text in which they were written. */
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

/** Reads the messages from given offsets to the pinned ends into the table. Throws `unavailable` when they stop coming. */
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
