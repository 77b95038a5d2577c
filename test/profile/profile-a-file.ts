import { csvReader } from '../../controller/adapters/sources/csv/csv.ts';
import { fileStorage as storage } from '../../controller/adapters/storage/file/file.ts';

/** Measures FOLDER/a.csv, keeping it below FOLDER/kept, and says as JSON what came of it; started with a limit on what it may write. */
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
