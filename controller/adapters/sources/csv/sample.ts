import { mkdir, open, truncate, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Measures } from '../../../domain/profile.ts';
import { type Records, scanRecords } from '../../../lib/csv-records.ts';

/** The measured part of a large source. Bytes. */
const sampleBytes = 256 * 2 ** 20;

/** Copies the beginning of each file into `folder`, in proportion to its size, cut after a complete record. */
export async function headsOf(
  files: readonly Records[],
  bytes: number,
  folder: string,
  upTo = Math.min(sampleBytes, bytes / 4),
): Promise<{ files: Records[]; bytes: number }> {
  const heads: Records[] = [];
  let taken = 0;
  for (const [i, records] of files.entries()) {
    const { file } = records;
    const handle = await open(file);
    try {
      const { size } = await handle.stat();
      const buffer = Buffer.alloc(Math.ceil((size * upTo) / bytes));
      const { bytesRead } = await handle.read(buffer, 0, buffer.length, 0);
      const head = join(folder, String(i), basename(file));
      await mkdir(join(folder, String(i)), { recursive: true });
      await writeFile(head, buffer.subarray(0, bytesRead));
      // After the last complete record. The next one may be cut within a field.
      let end = 0;
      await scanRecords({ ...records, file: head }, (record) => {
        if (record.end < bytesRead) end = buffer.indexOf(records.lineEnd, record.end) + 1;
      }).catch(() => undefined);
      await truncate(head, end);
      heads.push({ ...records, file: head });
      taken += end;
    } finally {
      await handle.close();
    }
  }
  return { files: heads, bytes: taken };
}

/** Extrapolates the counts of a part to the whole source. */
export function scaled(part: Measures, bytes: number): Measures {
  const times = part.bytes / Math.max(1, bytes);
  const whole = (n: number): number => Math.round(n * times);
  const all = (counts: Readonly<Record<string, number>>): Record<string, number> =>
    Object.fromEntries(Object.entries(counts).map(([name, n]) => [name, whole(n)]));
  const [valid, invalid] = [whole(part.valid), whole(part.invalid)];
  return {
    ...part,
    rows: valid + invalid,
    valid,
    invalid,
    invalidByReason: all(part.invalidByReason),
    nulls: all(part.nulls),
    duplicates: whole(part.duplicates),
    new: Math.min(valid + invalid, whole(part.new)),
    estimatedFrom: bytes,
  };
}
