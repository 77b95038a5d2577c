import { expect, test } from 'vitest';
import { walkBatches } from '../../controller/connect/kafka-batches.ts';
import { batchOf, headed } from '../fuzz/batches.ts';

/** A batch whose sum is right, with its codec, its number of records and its records as given. */
function forged(codec: number, count: number, body: Buffer): Buffer {
  const rest = Buffer.concat([batchOf([], 7, false).subarray(21, 61), body]);
  rest.writeInt16BE(codec, 0);
  rest.writeInt32BE(count, 36);
  return headed(rest, 7);
}

test.each([
  // A length of -5, and more records than could ever be walked over.
  ['a record shorter than nothing', forged(0, 0x7fffffff, Buffer.from([9, 0, 0, 1, 0xc7, 1]))],
  ['a record whose value goes beyond its end', forged(0, 1, Buffer.from([8, 0, 0, 0, 200, 1, 1]))],
  ['a block of Snappy of no length', forged(2, 1, Buffer.from('82534e41505059000000000100000001fffffffc00', 'hex'))],
  ['a block of Snappy beyond the end', forged(2, 1, Buffer.from('82534e415050590000000001000000010000ffff00', 'hex'))],
])('a batch with %s is refused at once', (_what, bytes) => {
  expect(() => walkBatches(bytes, [], () => undefined)).toThrow(/a batch of messages (is damaged|cannot be unpacked)/);
});
