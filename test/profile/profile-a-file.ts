import { csvReader } from '../../controller/adapters/sources/csv/csv.ts';
import { fileStorage as storage } from '../../controller/adapters/storage/file/file.ts';

/**
 * Measures FOLDER/a.csv with a snapshot below FOLDER/kept, and prints the result as JSON. It is started with a limit on
 * written data.
 */
async function main(root: string): Promise<void> {
  const source = { csv: '*.csv', key: 'id', columns: { id: 'bigint', note: 'string' } };
  const reader = csvReader({
    root,
    storage,
    scratch: `${root}/scratch`,
    snapshots: { storage, folder: `${root}/kept`, maximumBytes: 1e9 },
  });
  try {
    const { measures } = await reader.profile('things', source as never);
    process.stdout.write(JSON.stringify({ rows: measures.rows }));
  } catch (error) {
    const { kind, message, hint } = error as { kind?: string; message: string; hint?: string };
    process.stdout.write(JSON.stringify({ kind, message, hint }));
  }
}
void main(process.argv[2] as string);
