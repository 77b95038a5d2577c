import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { walkBatches } from '../../controller/connect/kafka-batches.ts';
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

/** Castagnoli's sum, bit by bit. */
function crc32c(bytes: Buffer): number {
  let sum = 0xffffffff;
  for (const byte of bytes) {
    sum ^= byte;
    for (let bit = 0; bit < 8; bit++) sum = sum & 1 ? (sum >>> 1) ^ 0x82f63b78 : sum >>> 1;
  }
  return (sum ^ 0xffffffff) >>> 0;
}

/** A record batch of version 2, as the protocol guide of Kafka has it. */
export function batchOf(records: readonly Written[], base: number, packed: boolean): Buffer {
  const body = Buffer.concat(
    records.map(({ value }, delta) => {
      const bytes = value === null ? undefined : Buffer.from(value);
      const parts = [Buffer.from([0]), varint(delta * 3), varint(delta), varint(-1), varint(bytes?.length ?? -1)];
      const record = Buffer.concat([...parts, bytes ?? Buffer.alloc(0), varint(0)]);
      return Buffer.concat([varint(record.length), record]);
    }),
  );
  const summed = Buffer.alloc(40);
  summed.writeInt16BE(packed ? 1 : 0, 0);
  summed.writeInt32BE(Math.max(0, records.length - 1), 2);
  summed.writeBigInt64BE(1_700_000_000_000n, 6);
  summed.writeBigInt64BE(1_700_000_000_000n, 14);
  summed.writeBigInt64BE(-1n, 22);
  summed.writeInt32BE(records.length, 36);
  return headed(Buffer.concat([summed, packed ? gzipSync(body) : body]), base);
}

/** What stands before a batch: its offset, its length and its sum, which are right whatever the rest is. */
export function headed(rest: Buffer, base: number): Buffer {
  const head = Buffer.alloc(21);
  head.writeBigInt64BE(BigInt(base), 0);
  head.writeInt32BE(rest.length + 9, 8);
  head.writeInt8(2, 16);
  head.writeUInt32BE(crc32c(rest), 17);
  return Buffer.concat([head, rest]);
}

/** Batches as a broker sends them, whole, cut off, or with bytes that were flipped on the way. */
export function recordBatches(): Subject {
  return {
    name: 'record batches',
    share: 1,
    async play(random) {
      const written: Written[] = [];
      const batches: Buffer[] = [];
      for (let n = random(fc.integer, { min: 1, max: 4 }); n > 0; n--) {
        const values = random(fc.array, fc.option(fc.string({ unit: 'grapheme', maxLength: 40 })), {
          minLength: 1,
          maxLength: 6,
        });
        const base = written.length;
        const records = values.map((value, i) => ({ offset: base + i, value }));
        batches.push(batchOf(records, base, random(fc.boolean)));
        written.push(...records);
      }
      const bytes = Buffer.concat(batches);
      const damage = random(fc.constantFrom, 'none', 'cut', 'flipped' as const);
      const at = random(fc.integer, { min: 0, max: bytes.length - 1 });
      if (damage === 'flipped') bytes[at] = (bytes[at] as number) ^ (1 << random(fc.integer, { min: 0, max: 7 }));
      const read: Written[] = [];
      const done = await refusedOr(
        (async () =>
          walkBatches(damage === 'cut' ? bytes.subarray(0, at) : bytes, [], (offset, _time, buffer, start, end) => {
            read.push({ offset, value: start < 0 ? null : buffer.toString('utf8', start, end) });
          }))(),
      );
      const isAsWritten =
        JSON.stringify(read.map(({ value }) => value)) ===
        JSON.stringify(written.slice(0, read.length).map(({ value }) => value));
      if (!isAsWritten) throw new Lost(`${damage} at ${at}: ${JSON.stringify(read)} of ${JSON.stringify(written)}`);
      if (damage === 'none' && (!done || read.length !== written.length || done.value !== written.length))
        throw new Lost(`${read.length} of ${written.length} records`);
      return done ? 'accepted' : 'refused';
    },
  };
}
