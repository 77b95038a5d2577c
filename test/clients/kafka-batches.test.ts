import { describe, expect, test } from 'vitest';
import { walkBatches } from '../../controller/clients/kafka-batches.ts';
import { batchOf, headed } from '../fuzz/batches.ts';

const records = [
  { offset: 7, value: 'one' },
  { offset: 8, value: null },
];

function valuesOf(bytes: Buffer): (string | null)[] {
  const values: (string | null)[] = [];
  walkBatches(bytes, [], (_offset, _time, buffer, start, end) => {
    values.push(start < 0 ? null : buffer.toString('utf8', start, end));
  });
  return values;
}

/** A batch with a valid checksum and the given attributes, record count and records. */
function forged(codec: number, count: number, body: Buffer): Buffer {
  const rest = Buffer.concat([batchOf(records, 7).subarray(21, 61), body]);
  rest.writeInt16BE(codec, 0);
  rest.writeInt32BE(count, 36);
  return headed(rest, 7);
}

test.each([0, 1, 2, 3])('a batch with codec %i is read as it was written', (codec) => {
  expect(valuesOf(batchOf(records, 7, codec))).toEqual(['one', null]);
});

describe('an invalid batch is refused at once', () => {
  test('a batch with a bit that was flipped in transit', () => {
    const bytes = batchOf(records, 7);
    bytes[bytes.length - 3] = (bytes[bytes.length - 3] as number) ^ 1;
    expect(() => valuesOf(bytes)).toThrow('a batch of messages is damaged');
  });

  test('a record of a negative length, which would be read endlessly', () => {
    // Lengths of -1 for the record and -100 for its value.
    const body = Buffer.from([1, 0, 0, 0, 0, 0xc7, 1]);
    expect(() => valuesOf(forged(0, 3, body))).toThrow('a batch of messages is damaged');
  });

  test('a record whose fields go beyond its end', () => {
    const body = Buffer.from([8, 0, 0, 0, 200, 1, 1]);
    expect(() => valuesOf(forged(0, 1, body))).toThrow('a batch of messages is damaged');
  });

  test('an LZ4 block that declares more bytes than the batch has', () => {
    const body = Buffer.from('04224d186070730000000f', 'hex');
    expect(() => valuesOf(forged(3, 1, body))).toThrow('a block goes beyond its end');
  });

  test('Snappy blocks that together exceed the limit of a batch', () => {
    // Each declares 200 MiB, and holds one byte.
    const block = Buffer.from('00000006808080640041', 'hex');
    const body = Buffer.concat([Buffer.from('82534e41505059000000000100000001', 'hex'), block, block]);
    expect(() => valuesOf(forged(2, 1, body))).toThrow(/too big/);
  });
});
