import { gunzipSync } from 'node:zlib';
import { Decompress } from 'fzstd';
import { decompressBound, decompress as unlz4 } from 'lz4js';
import { uncompress as unsnappy } from 'snappyjs';
import { SluiceError } from '../lib/errors.ts';

/** An aborted transaction: what its producer wrote from this offset up to the end marker is void. */
export interface Aborted {
  readonly producer: bigint;
  readonly from: bigint;
}

/**
 * Called with a record in a buffer that is reused afterwards; `start` is -1 for a null value. `start` and `end` are
 * byte offsets, `end` exclusive.
 */
export type RecordFound = (
  offset: number,
  timestamp: number,
  buffer: Buffer,
  start: number,
  end: number,
  keyBytes: number,
) => void;

/** The limit of one decompressed batch. Bytes. */
const longestBatch = 256 << 20;

/** The bits of a batch's attributes (Kafka's protocol guide, "Record Batch"). */
const [codecMask, logAppendTime, transactional, control] = [7, 8, 16, 32];

/** Bytes of a batch before its records. */
const headBytes = 61;

/**
 * Walks over the batches of a fetched partition, and calls `found` for committed records only. Returns the offset after
 * the last complete batch; undefined when there is none. Throws `rejected` for unreadable data.
 */
export function walkBatches(bytes: Buffer, aborted: readonly Aborted[], found: RecordFound): number | undefined {
  const waiting = [...aborted].sort((a, b) => (a.from < b.from ? -1 : 1));
  const voided = new Set<bigint>();
  let next: number | undefined;
  for (let at = 0; at + headBytes <= bytes.length; ) {
    const base = bytes.readBigInt64BE(at);
    const end = at + 12 + bytes.readInt32BE(at + 8);
    // The limit of the fetch may have cut off the last batch.
    if (end > bytes.length) break;
    if (end < at + headBytes) throw unreadable('a batch of messages is damaged');
    if (bytes.readInt8(at + 16) !== 2)
      throw unreadable('the topic has messages of a format from before Kafka 0.11', 'copy them into a new topic');
    if (bytes.readUInt32BE(at + 17) !== crc32c(bytes, at + 21, end)) throw unreadable('a batch of messages is damaged');
    const attributes = bytes.readInt16BE(at + 21);
    const last = base + BigInt(bytes.readInt32BE(at + 23));
    const producer = bytes.readBigInt64BE(at + 43);
    while (waiting[0] && waiting[0].from <= last) voided.add((waiting.shift() as Aborted).producer);
    const records = bytes.subarray(at + headBytes, end);
    if (attributes & control) {
      // A control record ends a transaction, by commit or abort.
      voided.delete(producer);
    } else if (!((attributes & transactional) !== 0 && voided.has(producer))) {
      const fixed = attributes & logAppendTime ? bytes.readBigInt64BE(at + 35) : undefined;
      const started = bytes.readBigInt64BE(at + 27);
      walkRecords(unpacked(records, attributes & codecMask), bytes.readInt32BE(at + 57), base, started, fixed, found);
    }
    next = Number(last) + 1;
    at = end;
  }
  return next;
}

function walkRecords(
  buffer: Buffer,
  count: number,
  base: bigint,
  started: bigint,
  fixed: bigint | undefined,
  found: RecordFound,
): void {
  const [offset, time] = [Number(base), Number(started)];
  let at = 0;
  /** A zigzag varint; numbers stay exact up to 2^53. */
  const varint = (): number => {
    let [value, factor, byte] = [0, 1, 0];
    do {
      byte = buffer[at++] as number;
      value += (byte & 127) * factor;
      factor *= 128;
    } while (byte > 127);
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  };
  for (let i = 0; i < count; i++) {
    const length = varint();
    const end = at + length;
    if (!(length >= 0 && end <= buffer.length)) throw unreadable('a batch of messages is damaged');
    at += 1;
    const timestamp = varint();
    const delta = varint();
    const keyBytes = Math.max(0, varint());
    at += keyBytes;
    const valueBytes = varint();
    const start = valueBytes < 0 ? -1 : at;
    if (!(at + Math.max(0, valueBytes) <= end)) throw unreadable('a batch of messages is damaged');
    found(
      offset + delta,
      fixed === undefined ? time + timestamp : Number(fixed),
      buffer,
      start,
      at + valueBytes,
      keyBytes,
    );
    at = end;
  }
}

/** Decompresses the four codecs of Kafka. Throws `rejected` for a damaged batch. */
function unpacked(bytes: Buffer, codec: number): Buffer {
  try {
    if (codec === 0) return bytes;
    if (codec === 1) return gunzipSync(bytes, { maxOutputLength: longestBatch });
    if (codec === 2) return unsnapped(bytes);
    if (codec === 3) return unlz4ed(bytes);
    if (codec === 4) return unzstded(bytes);
  } catch (error) {
    throw unreadable(`a batch of messages cannot be unpacked: ${String((error as Error).message)}`);
  }
  throw unreadable(`a batch of messages is packed by codec ${codec}, which Kafka does not have`);
}

/** lz4js trusts the length that a block declares, so it is checked first. The layout is LZ4's frame format. */
function unlz4ed(bytes: Buffer): Buffer {
  const flags = bytes.readUInt8(4);
  const [hasBlockSums, hasContentSize] = [flags & 16, flags & 8];
  for (let at = hasContentSize ? 15 : 7, size = -1; size !== 0; ) {
    size = bytes.readUInt32LE(at);
    at += 4 + (hasBlockSums ? 4 : 0) + (size & 0x7fffffff);
    if (at > bytes.length) throw new RangeError('a block goes beyond its end');
  }
  if (decompressBound(bytes) > longestBatch) throw new RangeError('it is too long');
  return Buffer.from(unlz4(bytes));
}

/** Decompresses in small pieces, so that an oversized block is noticed before the next one. */
function unzstded(bytes: Buffer): Buffer {
  const parts: Uint8Array[] = [];
  let size = 0;
  const stream = new Decompress((part) => {
    size += part.length;
    if (size > longestBatch) throw new RangeError('it is too long');
    parts.push(part.slice());
  });
  const piece = 512;
  for (let at = 0; at < bytes.length; at += piece)
    stream.push(bytes.subarray(at, at + piece), at + piece >= bytes.length);
  return Buffer.concat(parts);
}

const xerial = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0]);

/** Java's clients write several blocks, each with its length; other clients write a single one. */
function unsnapped(bytes: Buffer): Buffer {
  if (!bytes.subarray(0, xerial.length).equals(xerial)) return unsnappy(bytes, longestBatch);
  const blocks: Buffer[] = [];
  let size = 0;
  for (let at = 16; at < bytes.length; ) {
    const length = bytes.readInt32BE(at);
    if (length <= 0 || at + 4 + length > bytes.length) throw new RangeError('a block goes beyond its end');
    const block = unsnappy(bytes.subarray(at + 4, at + 4 + length), longestBatch - size);
    blocks.push(block);
    size += block.length;
    at += 4 + length;
  }
  return Buffer.concat(blocks);
}

/** The table of CRC-32C: Castagnoli's polynomial, reflected. */
const crcTable = Uint32Array.from({ length: 256 }, (_, byte) => {
  let sum = byte;
  for (let bit = 0; bit < 8; bit++) sum = sum & 1 ? (sum >>> 1) ^ 0x82f63b78 : sum >>> 1;
  return sum;
});

function crc32c(bytes: Buffer, from: number, until: number): number {
  let sum = 0xffffffff;
  for (let at = from; at < until; at++) sum = (crcTable[(sum ^ (bytes[at] as number)) & 255] as number) ^ (sum >>> 8);
  return (sum ^ 0xffffffff) >>> 0;
}

const unreadable = (message: string, hint?: string): SluiceError =>
  new SluiceError(message, { kind: 'rejected', ...(hint === undefined ? {} : { hint }) });
