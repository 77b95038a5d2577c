import { crc32c } from '../lib/crc32c.ts';
import { reasonOf, rejected } from '../lib/errors.ts';
import { unpacked } from './kafka-codecs.ts';

/** An aborted transaction: what its producer wrote from this offset up to the end marker is void. */
export interface Aborted {
  readonly producer: bigint;
  readonly from: bigint;
}

/** What a broker sent of one partition. */
export interface FetchedBatches {
  readonly topic: string;
  readonly partition: number;
  readonly bytes: Buffer;
  readonly aborted: readonly Aborted[];
  /** The offset that was asked for, and the end of the partition: every batch reaches beyond the one, none the other. */
  readonly from: number;
  readonly end: number;
}

/**
 * Called with a record and the buffer of its value, which is not reused. `start` is -1 for a null value. `start` and
 * `end` are byte offsets, `end` exclusive. The timestamp is in milliseconds.
 */
export type RecordFound = (
  offset: number,
  timestamp: number,
  buffer: Buffer,
  start: number,
  end: number,
  keyBytes: number,
) => void;

/** The bits of a batch's attributes (Kafka's protocol guide, "Record Batch"). */
const [codecMask, logAppendTime, transactional, control] = [7, 8, 16, 32];

/** Bytes of a batch before its records, and of its offset and length alone. */
const [headBytes, lengthBytes] = [61, 12];

/**
 * Walks over the batches of a fetched partition, and calls `found` for committed records only. Returns the offset after
 * the last complete batch; undefined when there is none. Throws `rejected`, with topic, partition and offset, for data
 * that is damaged or out of place: no record is lost or given twice without an error.
 */
export function walkBatches(fetched: FetchedBatches, found: RecordFound): number | undefined {
  const { bytes } = fetched;
  const waiting = [...fetched.aborted].sort((a, b) => (a.from < b.from ? -1 : 1));
  const voided = new Set<bigint>();
  let next: number | undefined;
  let at = 0;
  while (at + lengthBytes <= bytes.length) {
    const base = Number(bytes.readBigInt64BE(at));
    const length = bytes.readInt32BE(at + 8);
    const end = at + lengthBytes + length;
    const fail = (why: string, hint?: string): Error => unreadable(fetched, base, why, hint);
    if (end < at + headBytes) throw fail(`its length is ${length} bytes`);
    // The limit of the fetch may have cut off the last batch.
    if (end > bytes.length) break;
    if (bytes.readInt8(at + 16) !== 2)
      throw fail('its format is from before Kafka 0.11', 'copy the messages into a new topic');
    if (bytes.readUInt32BE(at + 17) !== crc32c(bytes, at + 21, end)) throw fail('its checksum is wrong');
    const attributes = bytes.readInt16BE(at + 21);
    const lastDelta = bytes.readInt32BE(at + 23);
    const last = base + lastDelta;
    // The checksum does not cover the offset. The first batch may begin before the offset that was asked for.
    if (lastDelta < 0 || last < fetched.from || (next !== undefined && base < next) || last >= fetched.end)
      throw fail(`its offsets end at ${last}, and ${next ?? fetched.from} to ${fetched.end - 1} were asked for`);
    const producer = bytes.readBigInt64BE(at + 43);
    while (waiting[0] && waiting[0].from <= last) voided.add((waiting.shift() as Aborted).producer);
    if (attributes & control) {
      // A control record ends a transaction, by commit or abort.
      voided.delete(producer);
    } else if (!((attributes & transactional) !== 0 && voided.has(producer))) {
      let records: Buffer;
      try {
        records = unpacked(bytes.subarray(at + headBytes, end), attributes & codecMask);
      } catch (error) {
        throw fail(`it cannot be decompressed: ${reasonOf(error)}`);
      }
      const started = Number(bytes.readBigInt64BE(at + 27));
      const fixed = attributes & logAppendTime ? Number(bytes.readBigInt64BE(at + 35)) : undefined;
      if (!walkRecords(records, bytes.readInt32BE(at + 57), { base, lastDelta, started, fixed }, found))
        throw fail('its records do not fit into it');
    }
    next = last + 1;
    at = end;
  }
  // Since version 3 of the request a broker sends the first batch whole, or nothing.
  if (next === undefined && bytes.length > 0) throw unreadable(fetched, fetched.from, 'it is incomplete');
  return next;
}

interface Head {
  readonly base: number;
  readonly lastDelta: number;
  readonly started: number;
  readonly fixed: number | undefined;
}

/** Walks over the records of a batch. False when they are not exactly as many and as long as the batch says. */
function walkRecords(
  buffer: Buffer,
  count: number,
  { base, lastDelta, started, fixed }: Head,
  found: RecordFound,
): boolean {
  let at = 0;
  /** A zigzag varint, exact up to 2^53. Not a number beyond the end of the buffer, which no comparison holds for. */
  const varint = (): number => {
    let byte = buffer[at++] as number;
    if (byte < 128) return byte & 1 ? -(byte + 1) / 2 : byte / 2;
    let value = byte & 127;
    for (let factor = 128; byte > 127; factor *= 128) {
      byte = buffer[at++] as number;
      value += (byte & 127) * factor;
    }
    if (byte === undefined) return Number.NaN;
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  };
  let previous = -1;
  for (let i = 0; i < count; i++) {
    const length = varint();
    const end = at + length;
    if (!(length >= 0 && end <= buffer.length)) return false;
    at += 1;
    const timestamp = varint();
    const delta = varint();
    const keyBytes = Math.max(0, varint());
    at += keyBytes;
    const valueBytes = varint();
    const start = valueBytes < 0 ? -1 : at;
    if (!(at + Math.max(0, valueBytes) <= end && delta > previous && delta <= lastDelta)) return false;
    found(base + delta, fixed ?? started + timestamp, buffer, start, at + valueBytes, keyBytes);
    previous = delta;
    at = end;
  }
  return at === buffer.length;
}

const unreadable = ({ topic, partition }: FetchedBatches, offset: number, why: string, hint?: string): Error =>
  rejected(`topic ${topic}, partition ${partition}, offset ${offset}: the record batch cannot be read: ${why}`, hint);
