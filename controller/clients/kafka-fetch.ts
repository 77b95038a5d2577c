import type { Kafka } from 'kafkajs';
import { reasonOf, rejected, SluiceError } from '../lib/errors.ts';
import { type Aborted, type RecordFound, walkBatches } from './kafka-batches.ts';

/** A part of a partition: offsets from `start` (inclusive) to `end` (exclusive). */
export interface Range {
  readonly partition: number;
  readonly start: number;
  readonly end: number;
}

/** Internals of kafkajs 2.2.4. Its public interface reads through consumer groups only. */
interface Cluster {
  connect(): Promise<void>;
  disconnect(): Promise<void>;
  addTargetTopic(topic: string): Promise<void>;
  refreshMetadata(): Promise<void>;
  findLeaderForPartitions(topic: string, partitions: readonly number[]): Readonly<Record<string, readonly number[]>>;
  findBroker(node: { nodeId: string }): Promise<Broker>;
}
export interface Broker {
  lookupRequest(
    key: number,
    request: unknown,
  ): (options: object) => {
    readonly request: { readonly apiVersion: number };
    readonly response: { decode(bytes: Buffer): Promise<unknown>; parse(decoded: unknown): Promise<unknown> };
  };
  readonly connectionPool: { send(request: object): Promise<unknown> };
}

/** The cluster of a client, which connects to brokers and knows the leaders of partitions. */
export function clusterOf(kafka: Kafka): Cluster {
  const name = Object.getOwnPropertySymbols(kafka).find((each) => each.description === 'private:Kafka:createCluster');
  if (!name) throw new TypeError('kafkajs is not the version that this was written for');
  const create = (kafka as unknown as Record<symbol, (options: object) => Cluster>)[name] as (o: object) => Cluster;
  return create({ metadataMaxAge: 60_000, allowAutoTopicCreation: false, maxInFlightRequests: null });
}

const fetchKey = 1;
const maxBytesOfPartition = 1 << 20;
const maxBytesOfFetch = 4 << 20;
const maxWaitMs = 200;
const readCommitted = 1;
/**
 * Partition errors that pass once the new leader is known: LEADER_NOT_AVAILABLE, NOT_LEADER, UNKNOWN_LEADER_EPOCH and
 * the like.
 */
const leaderMoved: readonly number[] = [3, 5, 6, 9, 74, 75, 76];
const outOfRange = 1;

/**
 * Reads ranges of a topic's partitions without a consumer group: it needs only the right to read the topic, and causes
 * no rebalance. Brokers are read concurrently; `found` is called for committed records only. Throws `unavailable` when
 * nothing arrives for `idleMs`, `rejected` when a range has expired.
 */
export async function fetchRanges(
  kafka: Kafka,
  topic: string,
  ranges: readonly Range[],
  idleMs: number,
  found: (partition: number, ...record: Parameters<RecordFound>) => void,
): Promise<void> {
  const cluster = clusterOf(kafka);
  await cluster.connect();
  try {
    const { requests } = (await import('kafkajs/src/protocol/requests/index.js')).default;
    await cluster.addTargetTopic(topic);
    const next = new Map(ranges.filter(({ start, end }) => start < end).map((each) => [each.partition, each]));
    let lastDataAt = Date.now();
    const silent = (): SluiceError =>
      new SluiceError(`topic ${topic}: no message for ${idleMs / 1000} s, with some still to come`, {
        kind: 'unavailable',
      });
    /** Reads all partitions that one broker leads; false when it no longer leads one of them. */
    const readFrom = async (nodeId: string, partitions: readonly number[]): Promise<boolean> => {
      const broker = await cluster.findBroker({ nodeId });
      for (let rest = partitions; rest.length > 0; rest = rest.filter((each) => next.has(each))) {
        const fetched = await fetchOnce(
          broker,
          requests.Fetch,
          topic,
          rest.flatMap((each) => next.get(each) ?? []),
        );
        for (const { partition, error, end, aborted, records } of fetched) {
          const range = next.get(partition);
          if (!range) continue;
          if (leaderMoved.includes(error)) return false;
          if (error !== 0) throw refused(topic, range, error);
          const batches = { topic, partition, bytes: records, aborted, from: range.start, end };
          const at = walkBatches(batches, (offset, ...record) => {
            if (offset >= range.start && offset < range.end) found(partition, offset, ...record);
          });
          if (at === undefined) continue;
          lastDataAt = Date.now();
          if (at >= range.end) next.delete(partition);
          else next.set(partition, { ...range, start: at });
        }
        if (Date.now() - lastDataAt > idleMs) throw silent();
      }
      return true;
    };
    /** Reads from all brokers concurrently. False after a change of leaders; the caller then retries. */
    const round = async (): Promise<boolean> => {
      const leaders = Object.entries(cluster.findLeaderForPartitions(topic, [...next.keys()]));
      // Waits for all brokers, so that no partition is read twice at a time.
      const settled = await Promise.allSettled(leaders.map(([nodeId, partitions]) => readFrom(nodeId, partitions)));
      for (const each of settled) if (each.status === 'rejected') throw each.reason;
      return leaders.length > 0 && settled.every((each) => each.status === 'fulfilled' && each.value);
    };
    const patiently = <T>(work: Promise<T>): Promise<T | false> =>
      work.catch((error: { retriable?: boolean }) => {
        if (!error.retriable || Date.now() - lastDataAt > idleMs) throw error;
        return false;
      });
    while (next.size > 0) {
      if (await patiently(round())) continue;
      if (Date.now() - lastDataAt > idleMs) throw silent();
      await new Promise((resolve) => setTimeout(resolve, maxWaitMs));
      await patiently(cluster.refreshMetadata());
    }
  } finally {
    await cluster.disconnect();
  }
}

const refused = (topic: string, { partition, start, end }: Range, error: number): SluiceError =>
  error === outOfRange
    ? new SluiceError(
        `topic ${topic}: offsets ${start} to ${end - 1} of partition ${partition} are not there any more`,
        {
          kind: 'rejected',
          hint: 'let the topic keep its events for longer',
        },
      )
    : new SluiceError(`topic ${topic}: partition ${partition} cannot be read: Kafka's error code ${error}`, {
        kind: 'rejected',
        hint: error === 29 ? 'grant the user READ on the topic' : 'the protocol guide of Kafka says what it means',
      });

interface Fetched {
  readonly partition: number;
  readonly error: number;
  /** The high watermark: the offset after the last one that the broker gives. */
  readonly end: number;
  readonly aborted: readonly Aborted[];
  readonly records: Buffer;
}

async function fetchOnce(broker: Broker, fetch: unknown, topic: string, ranges: readonly Range[]): Promise<Fetched[]> {
  const request = broker.lookupRequest(
    fetchKey,
    fetch,
  )({
    replicaId: -1,
    maxWaitTime: maxWaitMs,
    minBytes: 1,
    maxBytes: maxBytesOfFetch,
    isolationLevel: readCommitted,
    topics: [
      {
        topic,
        partitions: ranges.map(({ partition, start }) => ({
          partition,
          fetchOffset: String(start),
          maxBytes: maxBytesOfPartition,
        })),
      },
    ],
  });
  const { apiVersion } = request.request;
  const response = {
    decode: async (bytes: Buffer) => {
      try {
        return fetchedIn(bytes, apiVersion);
      } catch (error) {
        throw rejected(`topic ${topic}: the answer of a broker cannot be read: ${reasonOf(error)}`);
      }
    },
    parse: async (decoded: unknown) => decoded,
  };
  return (await broker.connectionPool.send({ request: request.request, response })) as Fetched[];
}

/** Decodes a fetch response of versions 4 to 11; records stay encoded. */
function fetchedIn(bytes: Buffer, version: number): Fetched[] {
  let at = version >= 7 ? 10 : 4;
  const take = (size: number): number => {
    at += size;
    return at - size;
  };
  const int32 = (): number => bytes.readInt32BE(take(4));
  const int64 = (): bigint => bytes.readBigInt64BE(take(8));
  const fetched: Fetched[] = [];
  for (let topics = int32(); topics > 0; topics--) {
    at += 2 + bytes.readInt16BE(at);
    for (let partitions = int32(); partitions > 0; partitions--) {
      const partition = int32();
      const error = bytes.readInt16BE(take(2));
      const end = Number(int64());
      // The last stable offset and, since version 5, the log's start.
      at += version >= 5 ? 16 : 8;
      const aborted: Aborted[] = [];
      for (let count = int32(); count > 0; count--) aborted.push({ producer: int64(), from: int64() });
      if (version >= 11) at += 4;
      const size = Math.max(0, int32());
      fetched.push({ partition, error, end, aborted, records: bytes.subarray(at, at + size) });
      at += size;
    }
  }
  return fetched;
}
