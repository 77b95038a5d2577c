import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import { fileStorage as storage } from '../../controller/adapters/storage/file/file.ts';
import { openDuck } from '../../controller/clients/duckdb.ts';
import { identifier, literal } from '../../controller/clients/sql.ts';
import { takeRepairs, writeQuarantine } from '../../controller/snapshot/repairs.ts';
import { asJson, checkNames, jsonText, own, parquet } from '../../controller/snapshot/snapshot.ts';
import { Lost, refusedOr, type Subject } from './subject.ts';

const text = (maxLength: number): fc.Arbitrary<string> =>
  fc.oneof(
    fc.string({ unit: 'grapheme', maxLength }),
    fc.string({ unit: fc.constantFrom(...`"'\`;$.[]*/~{}()\\=+-@\t\n\r, a0`), maxLength }),
  );
const csvField = (value: string): string => `"${value.replaceAll('"', '""')}"`;

const manyNames = (): fc.Arbitrary<string[]> =>
  fc.uniqueArray(
    text(12).filter((name) => name !== '' && !name.includes('\0')),
    { minLength: 1, maxLength: 4 },
  );

/** Columns with any name and texts of any kind: through DuckDB and JSON, into quarantine, and back after a repair. */
export function quarantine(): Subject {
  const root = mkdtempSync(join(tmpdir(), 'sluice-fuzz-'));
  return {
    name: 'names and quarantine',
    share: 0.1,
    close: async () => rmSync(root, { recursive: true }),
    async play(random) {
      const names = random(manyNames);
      const named = await refusedOr((async () => checkNames('things', names))());
      if (!named) return 'refused';
      const rows = random(fc.array, fc.tuple(...names.map(() => text(20).map((each) => each.replaceAll('\0', '')))), {
        minLength: 1,
        maxLength: 4,
      });
      const csv = join(root, 'things.csv');
      const repairs = join(root, 'repairs', 'things.parquet');
      rmSync(join(root, 'repairs'), { recursive: true, force: true });
      const duck = await openDuck(join(root, 'scratch'), [root]);
      try {
        const columns = [own.where, own.reason, ...names, own.original];
        const values = rows.map(
          (row, i) => `(${[`a.csv:${i}`, '=broken', ...row, `+${row[0]}`].map(literal).join(', ')})`,
        );
        await duck.run(`CREATE TABLE t (${columns.map((name) => `${identifier(name)} VARCHAR`).join(', ')})`);
        await duck.run(`INSERT INTO t VALUES ${values.join(', ')}`);
        const object = asJson(names.map((name) => ({ name })));
        const read = await duck.rows(
          `SELECT ${names.map((name, i) => `${jsonText(`(${object})`, name)} AS c${i}`).join(', ')} FROM t ORDER BY ${own.where}`,
        );
        const back = read.map((row) => names.map((_, i) => row[`c${i}`]));
        if (JSON.stringify(back) !== JSON.stringify(rows))
          throw new Lost(`as JSON ${JSON.stringify(back)} of ${JSON.stringify(rows)} in ${JSON.stringify(names)}`);
        await writeQuarantine(duck, `(SELECT * FROM t ORDER BY ${own.where})`, storage, csv);
      } finally {
        await duck.close();
      }
      if ((await takeRepairs(csv, csv, repairs, { storage, scratch: join(root, 'scratch') })) !== 0)
        throw new Lost(`an untouched file repairs ${JSON.stringify(rows)} of ${JSON.stringify(names)}`);
      const lines = parse(readFileSync(csv), { bom: true }) as string[][];
      const repaired = random(text, 20).replaceAll('\0', '') || 'x';
      const before = (lines[1] as string[])[2];
      (lines[1] as string[])[2] = repaired;
      const edited = join(root, 'edited.csv');
      writeFileSync(edited, lines.map((line) => `${line.map(csvField).join(',')}\n`).join(''));
      const count = await takeRepairs(csv, edited, repairs, { storage, scratch: join(root, 'scratch') });
      const wanted = /^'([=+@\t\r'-].*)$/s.exec(repaired)?.[1];
      if (count === 0 && (before === repaired || rows[0]?.[0] === repaired || wanted === rows[0]?.[0]))
        return 'accepted';
      if (count === 0)
        throw new Lost(
          `${JSON.stringify(before)} repaired as ${JSON.stringify(repaired)} is not taken for repaired; it was ${JSON.stringify(rows)} in ${JSON.stringify(names)}; ${JSON.stringify(lines)}`,
        );
      const after = await openDuck(join(root, 'scratch'), [root]);
      try {
        const [fixed] = await after.rows(
          `SELECT ${jsonText('_fixed', names[0] as string)} AS value FROM ${parquet([repairs])}`,
        );
        // An apostrophe before a possible formula stands for the text after it.
        if (fixed?.value !== repaired && fixed?.value !== wanted)
          throw new Lost(`${JSON.stringify(repaired)} came back as ${JSON.stringify(fixed)}`);
      } finally {
        await after.close();
      }
      return 'accepted';
    },
  };
}
