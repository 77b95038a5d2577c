import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import type pg from 'pg';
import { from } from 'pg-copy-streams';

/** Sends a file to a `COPY … FROM STDIN`. Returns the rows that PostgreSQL stored. */
export async function copyFile(client: pg.Client, sql: string, file: string): Promise<number> {
  const copy = client.query(from(sql));
  await pipeline(createReadStream(file, { highWaterMark: 1 << 20 }), copy);
  return copy.rowCount;
}
