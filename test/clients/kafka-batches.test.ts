import fc from 'fast-check';
import { Kafka } from 'kafkajs';
import Decoder from 'kafkajs/src/protocol/decoder.js';
import decodeMessages from 'kafkajs/src/protocol/requests/fetch/v4/decodeMessages.js';
import { describe, expect, test } from 'vitest';
import { type FetchedBatches, walkBatches } from '../../controller/clients/kafka-batches.ts';
import { clusterOf } from '../../controller/clients/kafka-fetch.ts';
import { batchOf, fetched, headed } from '../fuzz/batches.ts';

const records = [
  { offset: 7, value: 'one' },
  { offset: 8, value: null },
];

interface Read {
  readonly offset: number;
  readonly timestamp: number;
  readonly value: string | null;
}

function readAll(bytes: Buffer, more: Partial<FetchedBatches> = {}): { read: Read[]; next: number | undefined } {
  const read: Read[] = [];
  const next = walkBatches(fetched(bytes, more), (offset, timestamp, buffer, start, end) => {
    read.push({ offset, timestamp, value: start < 0 ? null : buffer.toString('utf8', start, end) });
  });
  return { read, next };
}
const valuesOf = (bytes: Buffer, more: Partial<FetchedBatches> = {}): (string | null)[] =>
  readAll(bytes, more).read.map(({ value }) => value);

/** A batch with a valid checksum, whose bytes after the checksum are changed first. */
function changed(batch: Buffer, change: (rest: Buffer) => void, base = 7): Buffer {
  const rest = Buffer.from(batch.subarray(21));
  change(rest);
  return headed(rest, base);
}

/** A batch with a valid checksum and the given codec, record count and records. */
const forged = (codec: number, count: number, body: Buffer): Buffer => {
  const rest = Buffer.concat([batchOf(records, 7).subarray(21, 61), body]);
  rest.writeInt16BE(codec, 0);
  rest.writeInt32BE(count, 36);
  return headed(rest, 7);
};

const [logAppendTime, transactional, control] = [8, 16, 32];
const marked = (batch: Buffer, attributes: number, producer: bigint, base: number): Buffer =>
  changed(
    batch,
    (rest) => {
      rest.writeInt16BE(attributes, 0);
      rest.writeBigInt64BE(producer, 22);
    },
    base,
  );

test.each([0, 1, 2, 3])('a batch with codec %i is read as it was written', (codec) => {
  expect(valuesOf(batchOf(records, 7, codec))).toEqual(['one', null]);
});

describe('a record', () => {
  test('has its own time, or that at which the broker appended the batch', () => {
    const batch = batchOf(records, 7);
    expect(readAll(batch).read.map(({ timestamp }) => timestamp)).toEqual([1_700_000_000_000, 1_700_000_000_003]);
    const appended = changed(batch, (rest) => {
      rest.writeInt16BE(logAppendTime, 0);
      rest.writeBigInt64BE(1_800_000_000_000n, 14);
    });
    expect(readAll(appended).read.map(({ timestamp }) => timestamp)).toEqual([1_800_000_000_000, 1_800_000_000_000]);
  });

  test('of an aborted transaction is left out, and a control batch has none', () => {
    const bytes = Buffer.concat([
      marked(batchOf([{ offset: 0, value: 'aborted' }], 0), transactional, 5n, 0),
      marked(batchOf([{ offset: 1, value: 'of another' }], 1), transactional, 6n, 1),
      marked(batchOf([{ offset: 2, value: 'marker' }], 2), transactional | control, 5n, 2),
      marked(batchOf([{ offset: 3, value: 'committed later' }], 3), transactional, 5n, 3),
    ]);
    const { read, next } = readAll(bytes, { aborted: [{ producer: 5n, from: 0n }] });
    expect(read.map(({ value }) => value)).toEqual(['of another', 'committed later']);
    expect(next).toBe(4);
  });
});

test('a batch that the limit of the fetch cut off is left to the next fetch', () => {
  const whole = batchOf([{ offset: 0, value: 'whole' }], 0);
  const next = batchOf([{ offset: 1, value: 'cut off' }], 1);
  for (const length of [0, 5, 12, 61, next.length - 1])
    expect(readAll(Buffer.concat([whole, next.subarray(0, length)]))).toMatchObject({ next: 1, read: [{ offset: 0 }] });
  expect(readAll(Buffer.alloc(0)).next).toBeUndefined();
});

describe('an invalid batch is refused with topic, partition and offset:', () => {
  const refusal = (bytes: Buffer, why: RegExp | string, more: Partial<FetchedBatches> = {}): void => {
    expect(() => valuesOf(bytes, more)).toThrow(/^topic events, partition 3, offset \d+: /);
    expect(() => valuesOf(bytes, more)).toThrow(why);
  };

  test('a batch with a bit that was flipped in transit', () => {
    const bytes = batchOf(records, 7);
    bytes[bytes.length - 3] = (bytes[bytes.length - 3] as number) ^ 1;
    refusal(bytes, 'checksum');
  });

  test('a first batch that is incomplete, or of a length that was changed', () => {
    const bytes = batchOf(records, 7);
    refusal(bytes.subarray(0, bytes.length - 1), 'incomplete');
    refusal(bytes.subarray(0, 9), 'incomplete');
    bytes.writeInt32BE(-1, 8);
    refusal(bytes, 'its length is -1 bytes');
  });

  test('a message format from before Kafka 0.11', () => {
    const bytes = batchOf(records, 7);
    bytes.writeInt8(1, 16);
    refusal(bytes, 'before Kafka 0.11');
  });

  test('offsets that are not those that were asked for, which no checksum covers', () => {
    const bytes = batchOf(records, 7);
    refusal(bytes, 'its offsets end at 8', { from: 9 });
    refusal(bytes, 'its offsets end at 8', { end: 8 });
    refusal(Buffer.concat([bytes, bytes]), 'its offsets end at 8');
    refusal(
      changed(bytes, (rest) => rest.writeInt32BE(-3, 2)),
      'its offsets end at 4',
    );
  });

  test('records that are fewer or more than the batch says, or beyond its offsets', () => {
    const bytes = batchOf(records, 7);
    for (const count of [1, 3, 0x7fffffff])
      refusal(
        changed(bytes, (rest) => rest.writeInt32BE(count, 36)),
        'do not fit',
      );
    refusal(
      changed(bytes, (rest) => rest.writeInt32BE(0, 2)),
      'do not fit',
    );
  });

  test('a record of a negative length, which would be read endlessly', () => {
    // Lengths of -1 for the record and -100 for its value.
    refusal(forged(0, 3, Buffer.from([1, 0, 0, 0, 0, 0xc7, 1])), 'do not fit');
  });

  test('a record whose fields go beyond its end', () => {
    refusal(forged(0, 1, Buffer.from([8, 0, 0, 0, 200, 1, 1])), 'do not fit');
  });

  test('a codec that Kafka does not have', () => {
    refusal(forged(7, 1, Buffer.from([0])), 'no codec 7');
  });

  test('an LZ4 block that declares more bytes than the batch has', () => {
    refusal(forged(3, 1, Buffer.from('04224d186070730000000f', 'hex')), 'a block goes beyond its end');
  });

  test('Snappy blocks that together exceed the limit of a batch', () => {
    // Each declares 200 MiB, and holds one byte.
    const block = Buffer.from('00000006808080640041', 'hex');
    const body = Buffer.concat([Buffer.from('82534e41505059000000000100000001', 'hex'), block, block]);
    refusal(forged(2, 1, body), /too big/);
  });
});

describe('kafkajs', () => {
  test('decodes valid batches into the same records', async () => {
    const value = fc.option(fc.string({ unit: 'binary', maxLength: 200 }));
    const batches = fc.array(fc.tuple(fc.array(value, { minLength: 1, maxLength: 8 }), fc.constantFrom(0, 1)), {
      minLength: 1,
      maxLength: 5,
    });
    await fc.assert(
      fc.asyncProperty(batches, async (all) => {
        let base = 0;
        const parts = all.map(([values, codec]) => {
          const batch = batchOf(
            values.map((each, i) => ({ offset: base + i, value: each })),
            base,
            codec,
          );
          base += values.length;
          return batch;
        });
        const bytes = Buffer.concat(parts);
        const size = Buffer.alloc(4);
        size.writeInt32BE(bytes.length);
        const theirs = await decodeMessages(new Decoder(Buffer.concat([size, bytes])));
        const decoded = theirs.map((each) => ({
          offset: Number(each.offset),
          timestamp: Number(each.timestamp),
          value: each.value === null ? null : each.value.toString('utf8'),
        }));
        expect(readAll(bytes).read).toEqual(decoded);
      }),
      { numRuns: 200 },
    );
  });

  test('still has the internals by which topics are fetched', async () => {
    const { lookup, requests } = (await import('kafkajs/src/protocol/requests/index.js')).default;
    const cluster = clusterOf(new Kafka({ brokers: ['localhost:1'] }));
    for (const method of [
      'connect',
      'disconnect',
      'addTargetTopic',
      'refreshMetadata',
      'findLeaderForPartitions',
      'findBroker',
    ] as const)
      expect(cluster[method]).toBeTypeOf('function');
    const { request } = lookup({ 1: { minVersion: 0, maxVersion: 11 } })(1, requests.Fetch)({
      replicaId: -1,
      maxWaitTime: 1,
      minBytes: 1,
      maxBytes: 1,
      isolationLevel: 1,
      topics: [],
    });
    expect(request).toMatchObject({ apiKey: 1, apiVersion: 11 });
  });
});
