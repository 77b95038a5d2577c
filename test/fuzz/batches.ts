import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { compress as lz4 } from 'lz4js';
import { compress as snappy } from 'snappyjs';
import { type FetchedBatches, walkBatches } from '../../controller/clients/kafka-batches.ts';
import { Lost, refusedOr, type Subject } from './subject.ts';

interface Written {
  readonly offset: number;
  readonly value: string | null;
}

function varint(n: number): Buffer {
  const bytes: number[] = [];
  let rest = n < 0 ? -n * 2 - 1 : n * 2;
  for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128);
  return Buffer.from([...bytes, rest]);
}

/** CRC-32C, bit by bit. */
function crc32c(bytes: Buffer): number {
  let sum = 0xffffffff;
  for (const byte of bytes) {
    sum ^= byte;
    for (let bit = 0; bit < 8; bit++) sum = sum & 1 ? (sum >>> 1) ^ 0x82f63b78 : sum >>> 1;
  }
  return (sum ^ 0xffffffff) >>> 0;
}

/** Snappy as Java's clients write it: a header, then blocks, each with its length. */
function xerial(bytes: Buffer): Buffer {
  const half = bytes.length >> 1;
  const blocks = [bytes.subarray(0, half), bytes.subarray(half)].map((part) => snappy(part));
  const lengths = blocks.map((block) => Buffer.from(Uint32Array.of(block.length).buffer).swap32());
  const head = Buffer.from('82534e4150505900' + '0000000100000001', 'hex');
  return Buffer.concat([head, ...blocks.flatMap((block, i) => [lengths[i] as Buffer, block])]);
}

/** The compression functions, by the number of the codec. */
const packers: readonly ((bytes: Buffer) => Uint8Array)[] = [(bytes) => bytes, gzipSync, snappy, lz4];

/** A record batch of version 2, as Kafka's protocol guide describes it. */
export function batchOf(records: readonly Written[], base: number, codec = 0, pack = packers[codec]): Buffer {
  const body = Buffer.concat(
    records.map(({ value }, delta) => {
      const bytes = value === null ? undefined : Buffer.from(value);
      const parts = [Buffer.from([0]), varint(delta * 3), varint(delta), varint(-1), varint(bytes?.length ?? -1)];
      const record = Buffer.concat([...parts, bytes ?? Buffer.alloc(0), varint(0)]);
      return Buffer.concat([varint(record.length), record]);
    }),
  );
  const summed = Buffer.alloc(40);
  summed.writeInt16BE(codec, 0);
  summed.writeInt32BE(Math.max(0, records.length - 1), 2);
  summed.writeBigInt64BE(1_700_000_000_000n, 6);
  summed.writeBigInt64BE(1_700_000_000_000n, 14);
  summed.writeBigInt64BE(-1n, 22);
  summed.writeInt32BE(records.length, 36);
  return headed(Buffer.concat([summed, pack?.(body) ?? body]), base);
}

/** Prepends the head of a batch: offset, length and a checksum that is valid for any content. */
export function headed(rest: Buffer, base: number): Buffer {
  const head = Buffer.alloc(21);
  head.writeBigInt64BE(BigInt(base), 0);
  head.writeInt32BE(rest.length + 9, 8);
  head.writeInt8(2, 16);
  head.writeUInt32BE(crc32c(rest), 17);
  return Buffer.concat([head, rest]);
}

/** The answer of a broker whose partition ends far behind these batches. */
export const fetched = (bytes: Buffer, more: Partial<FetchedBatches> = {}): FetchedBatches => ({
  topic: 'events',
  partition: 3,
  aborted: [],
  from: 0,
  end: 1_000_000,
  ...more,
  bytes,
});

/** Flips some bits, like a bad cable. */
function flip(bytes: Buffer, random: fc.GeneratorValue, from = 0): void {
  for (let n = random(fc.integer, { min: 1, max: 3 }); n > 0; n--) {
    const at = random(fc.integer, { min: from, max: bytes.length - 1 });
    bytes[at] = (bytes[at] as number) ^ (1 << random(fc.integer, { min: 0, max: 7 }));
  }
}

const damages = ['none', 'cut', 'flipped', 'forged', 'made up'] as const;

/**
 * Batches as a broker sends them: whole, cut off, with bits flipped in transit. Also as an attacker sends them, with a
 * valid checksum: bits flipped before it was computed, or forged records.
 */
export function recordBatches(): Subject {
  return {
    name: 'record batches',
    share: 1,
    async play(random) {
      const damage = random(fc.constantFrom, ...damages);
      const written: Written[] = [];
      const batches: Buffer[] = [];
      for (let n = random(fc.integer, { min: 1, max: 4 }); n > 0; n--) {
        const values = random(fc.array, fc.option(fc.string({ unit: 'grapheme', maxLength: 40 })), {
          minLength: 1,
          maxLength: 6,
        });
        const base = written.length;
        const records = values.map((value, i) => ({ offset: base + i, value }));
        const codec = random(fc.integer, { min: 0, max: packers.length });
        const batch = codec === packers.length ? batchOf(records, base, 2, xerial) : batchOf(records, base, codec);
        const rest = batch.subarray(21);
        if (damage === 'forged') flip(rest, random);
        const madeUp = (): Buffer =>
          Buffer.from(random(fc.array, fc.constantFrom(0, 1, 2, 3, 0x7f, 0x80, 0xc7, 0xff), { maxLength: 40 }));
        if (damage === 'made up') {
          // The maximum number of records, uncompressed.
          rest.writeInt16BE(0, 0);
          rest.writeInt32BE(0x7fffffff, 36);
        }
        batches.push(headed(damage === 'made up' ? Buffer.concat([rest.subarray(0, 40), madeUp()]) : rest, base));
        written.push(...records);
      }
      const bytes = Buffer.concat(batches);
      const at = random(fc.integer, { min: 0, max: bytes.length - 1 });
      if (damage === 'flipped') flip(bytes, random);
      const read: Written[] = [];
      const done = await refusedOr(
        (async () =>
          walkBatches(
            fetched(damage === 'cut' ? bytes.subarray(0, at) : bytes),
            (offset, _time, buffer, start, end) => {
              if (start >= 0 && (end < start || end > buffer.length))
                throw new RangeError(`a value from ${start} to ${end} of ${buffer.length} bytes`);
              read.push({ offset, value: start < 0 ? null : buffer.toString('utf8', start, end) });
            },
          ))(),
      );
      // A valid checksum may cover forged content; otherwise the records must be those that were sent.
      if (damage !== 'forged' && damage !== 'made up') {
        const expected = written.slice(0, read.length).map(({ value }) => value);
        if (JSON.stringify(read.map(({ value }) => value)) !== JSON.stringify(expected))
          throw new Lost(`${damage} at ${at}: ${JSON.stringify(read)} of ${JSON.stringify(written)}`);
      }
      if (damage === 'none' && (!done || read.length !== written.length || done.value !== written.length))
        throw new Lost(`${read.length} of ${written.length} records`);
      return done ? 'accepted' : 'refused';
    },
  };
}
