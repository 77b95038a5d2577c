import { isUtf8 } from 'node:buffer';
import { BIGINT, BLOB, DuckDBBlobValue, DuckDBDataChunk, INTEGER } from '@duckdb/node-api';
import type { Duck } from '../../../clients/duckdb.ts';
import { readInstead } from './json.ts';

/** The relation of messages, and its columns. No field of a message can have one of these names. */
export const messages = {
  table: '__sluice_messages',
  part: '__sluice_partition',
  pos: '__sluice_offset',
  text: '__sluice_text',
  /** The text to read instead of the message; empty for one that is no JSON object, NULL when the message itself will do. */
  instead: '__sluice_instead',
  /** Whether the value is valid UTF-8; invalid bytes were replaced in the text. */
  isText: '__sluice_utf8',
} as const;

/** Takes messages. The buffer of a value must stay as it is until the next flush. */
export interface MessageTable {
  /** Adds the value between two offsets of a buffer, `end` exclusive. For a null value, `start` is -1. */
  add(partition: number, offset: number, buffer: Buffer, start: number, end: number): void;
  close(): void;
}

/** DuckDB's vector size. */
const rowsPerChunk = 2048;
/** A flush is one transaction, of a row group of DuckDB's or of this many bytes of large messages. */
const [rowsPerFlush, bytesPerFlush] = [60 * rowsPerChunk, 16 << 20];

/**
 * Creates the relation and returns its writer. Fields in `exact` preserve their text. Most messages are read as they
 * are: their bytes go into one table in chunks, without a call per field. The others go into a second table. Both are
 * temporary, because a table of the database file is compressed and logged, which takes longer than reading a topic.
 */
export async function messageTable(duck: Duck, exact: ReadonlySet<string>): Promise<MessageTable> {
  const { table, part, pos, text, instead, isText } = messages;
  const [plain, special] = [`${table}_plain`, `${table}_special`];
  await duck.run(
    `CREATE TEMP TABLE ${plain} (${part} INTEGER, ${pos} BIGINT, bytes BLOB);
     CREATE TEMP TABLE ${special} (${part} INTEGER, ${pos} BIGINT, ${text} VARCHAR, ${instead} VARCHAR, ${isText} BOOLEAN);
     CREATE TEMP VIEW ${table} AS
       SELECT ${part}, ${pos}, decode(bytes) AS ${text}, NULL::VARCHAR AS ${instead}, true AS ${isText} FROM ${plain}
       UNION ALL FROM ${special}`,
  );
  const [plainRows, specialRows] = [await duck.appender(plain), await duck.appender(special)];
  const chunk = DuckDBDataChunk.create([INTEGER, BIGINT, BLOB]);
  let [partitions, offsets, values]: [number[], bigint[], DuckDBBlobValue[]] = [[], [], []];
  let [rows, bytes] = [0, 0];
  const writeChunk = (): void => {
    chunk.reset();
    chunk.rowCount = partitions.length;
    for (const [i, column] of [partitions, offsets, values].entries()) chunk.setColumnValues(i, column);
    plainRows.appendDataChunk(chunk);
    [partitions, offsets, values] = [[], [], []];
  };
  const flush = (): void => {
    if (partitions.length > 0) writeChunk();
    plainRows.flushSync();
    specialRows.flushSync();
    [rows, bytes] = [0, 0];
  };
  const addSpecial = (
    partition: number,
    offset: number,
    value: string | undefined,
    other: string | undefined,
    valid: boolean,
  ): void => {
    specialRows.appendInteger(partition);
    specialRows.appendBigInt(BigInt(offset));
    for (const each of [value, other]) {
      if (each === undefined) specialRows.appendNull();
      else specialRows.appendVarchar(each);
    }
    specialRows.appendBoolean(valid);
    specialRows.endRow();
  };
  return {
    add(partition, offset, buffer, start, end) {
      rows += 1;
      bytes += Math.max(0, end - start);
      if (start < 0) addSpecial(partition, offset, undefined, '', true);
      else {
        const value = buffer.subarray(start, end);
        const valid = isUtf8(value);
        const other = readInstead(value, exact);
        if (valid && other === undefined) {
          partitions.push(partition);
          offsets.push(BigInt(offset));
          values.push(new DuckDBBlobValue(value));
          if (partitions.length === rowsPerChunk) writeChunk();
        } else addSpecial(partition, offset, value.toString('utf8'), other, valid);
      }
      if (rows >= rowsPerFlush || bytes >= bytesPerFlush) flush();
    },
    close() {
      flush();
      plainRows.closeSync();
      specialRows.closeSync();
    },
  };
}
