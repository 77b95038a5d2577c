import { gunzipSync } from 'node:zlib';
import { Decompress } from 'fzstd';
import { decompressBound, decompress as unlz4 } from 'lz4js';
import { uncompress as unsnappy } from 'snappyjs';

/** The limit of one decompressed batch. Bytes. */
const longestBatch = 256 << 20;

/** Decompresses the four codecs of Kafka, by their number. Throws when the bytes are damaged or the codec is unknown. */
export function unpacked(bytes: Buffer, codec: number): Buffer {
  switch (codec) {
    case 0:
      return bytes;
    case 1:
      return gunzipSync(bytes, { maxOutputLength: longestBatch });
    case 2:
      return unsnapped(bytes);
    case 3:
      return unlz4ed(bytes);
    case 4:
      return unzstded(bytes);
    default:
      throw new RangeError(`Kafka has no codec ${codec}`);
  }
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
