import type { Kafka } from 'kafkajs';
import type { Duck } from '../../../clients/duckdb.ts';
import { fetchRanges } from '../../../clients/kafka-fetch.ts';
import { messageTable } from './messages.ts';
import type { KafkaPin } from './pin.ts';

/** A broker that sends no message for this long before the end offset has stopped answering. */
const idleTimeoutMs = 30_000;
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
        table.add(partition, offset, buffer, start, end);
        read.youngest = Math.max(read.youngest, timestamp);
        read.bytes += (start < 0 ? 0 : end - start) + keyBytes;
        read.count += 1;
      },
    );
  } finally {
    table.close();
  }
  return read;
}
