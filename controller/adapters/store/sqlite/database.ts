import { closeSync, mkdirSync, openSync, statfsSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { DatabaseSync } from '@photostructure/sqlite';
import { reasonOf, rejected, SluiceError, unwritable } from '../../../lib/errors.ts';
import type { Row } from '../summary.ts';
import { steps } from './schema.ts';

type Sqlite = InstanceType<typeof DatabaseSync>;
type Statement = ReturnType<Sqlite['prepare']>;
type Value = string | number | null | undefined;
export type Values = Readonly<Record<string, Value>>;

/** A SQLite file. Calls are synchronous: no other work of this process runs during one. */
export interface Database {
  /** The rows of a query with parameters named $name. Throws SluiceErrors. */
  all(sql: string, values?: Values): Row[];
  first(sql: string, values?: Values): Row | undefined;
  /** Runs some work in a write transaction, the only one among all processes. The work must be synchronous. */
  write<T>(work: () => T): Promise<T>;
  close(): void;
}

/**
 * How long a statement waits for the transaction of another process, which blocks this process. After that it is
 * retried. Milliseconds.
 */
const lockMs = 250;
const busyTimeoutMs = 15_000;

/** Opens the file of a store. Creates it when it is missing, and migrates its schema. */
export async function openDatabase(file: string): Promise<Database> {
  makeFile(file);
  const driver = await import('@photostructure/sqlite').catch((error: unknown) => {
    throw new SluiceError(`the embedded store does not work on this machine: ${reasonOf(error)}`, {
      kind: 'rejected',
      hint: 'it needs glibc 2.29 or musl on Linux; or name a PostgreSQL server under store in conf/connections.yaml',
      cause: error,
    });
  });
  let db: Sqlite;
  try {
    db = new driver.DatabaseSync(file, { timeout: lockMs });
  } catch (error) {
    throw explain(error, file);
  }
  const made = databaseOf(db, file);
  try {
    await retryWhileBusy(file, () => {
      // Committed data survives a power cut, as in PostgreSQL.
      const { journal_mode: mode } = db.prepare('PRAGMA journal_mode = WAL').get() as Row;
      if (mode !== 'wal') throw rejected(`${file} is on a file system without shared memory`, localDiskHint);
      db.exec('PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON');
    });
    if (versionOf(db) !== steps.length) await made.write(() => migrate(db, file));
    return made;
  } catch (error) {
    db.close();
    throw error;
  }
}

function databaseOf(db: Sqlite, file: string): Database {
  const prepared = new Map<string, Statement>();
  const statement = (sql: string): Statement => {
    const known = prepared.get(sql) ?? db.prepare(sql);
    prepared.set(sql, known);
    return known;
  };
  const explained = <T>(work: () => T): T => {
    try {
      return work();
    } catch (error) {
      throw explain(error, file);
    }
  };
  return {
    all: (sql, values = {}) => explained(() => statement(sql).all(bound(values)) as Row[]),
    first: (sql, values = {}) => explained(() => statement(sql).get(bound(values)) as Row | undefined),
    write: (work) =>
      retryWhileBusy(file, () => {
        db.exec('BEGIN IMMEDIATE');
        try {
          const value = work();
          db.exec('COMMIT');
          return value;
        } catch (error) {
          if (db.isTransaction) db.exec('ROLLBACK');
          throw error;
        }
      }),
    close: () => db.close(),
  };
}

const bound = (values: Values): Record<string, string | number | null> =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [name, value ?? null]));

/** Retries while another process holds the lock. Throws `unavailable` when that takes too long. */
async function retryWhileBusy<T>(file: string, work: () => T): Promise<T> {
  for (const until = performance.now() + busyTimeoutMs; ; ) {
    try {
      return work();
    } catch (error) {
      if (resultOf(error) !== busy || performance.now() > until) throw explain(error, file);
    }
    await sleep(10 + Math.random() * 40);
  }
}

const versionOf = (db: Sqlite): number => (db.prepare('PRAGMA user_version').get() as Row).user_version;

function migrate(db: Sqlite, file: string): void {
  const version = versionOf(db);
  if (version > steps.length)
    throw rejected(
      `the run store ${file} is of schema version ${version}, and this Sluice knows ${steps.length}`,
      'use the newer Sluice that made it',
    );
  if (version === 0 && db.prepare('SELECT 1 FROM sqlite_schema').get())
    throw rejected(`${file} is a SQLite database of another program`, 'give another path under store.sqlite in conf/');
  for (const sql of steps.slice(version)) db.exec(sql);
  db.exec(`PRAGMA user_version = ${steps.length}`);
}

const localDiskHint =
  'give a path on a disk of this machine, or name a PostgreSQL server under store in conf/connections.yaml';
/** Network file systems by their statfs(2) numbers: NFS, SMB, SMB2, 9p, FUSE. Their locks are not reliable. */
const remote: ReadonlySet<number> = new Set([0x6969, 0x517b, 0xff534d42, 0xfe534d42, 0x01021997, 0x65735546]);

/** The file holds rows of the sources, so only its owner may read it. SQLite gives its side files the same mode. */
function makeFile(file: string): void {
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    if (remote.has(statfsSync(dirname(file)).type))
      throw rejected(`${file} is on a network file system, where an embedded store would be damaged`, localDiskHint);
    closeSync(openSync(file, 'a', 0o600));
  } catch (error) {
    throw error instanceof SluiceError ? error : unwritable(file, error);
  }
}

const busy = 5;
/** The primary result code: the lowest byte of SQLite's code. */
const resultOf = (error: unknown): number => ((error as { errcode?: number }).errcode ?? 0) & 0xff;

/** Turns an error of SQLite into one with a hint for people. Rethrows errors of this program. */
function explain(error: unknown, file: string): SluiceError {
  if (error instanceof SluiceError) return error;
  const result = resultOf(error);
  if (result === 0) throw error;
  const message = reasonOf(error);
  const [what, hint] = troubles[result] ?? [message];
  const kind = passing.has(result) ? 'unavailable' : 'rejected';
  return new SluiceError(`the run store ${file}: ${what}${what === message ? '' : ` (${message})`}`, {
    kind,
    ...(hint === undefined ? {} : { hint }),
    cause: error,
  });
}

const passing: ReadonlySet<number> = new Set([busy, 6, 10, 13]);
const troubles: Readonly<Record<number, readonly [string, string?]>> = {
  [busy]: ['another process is writing to it and does not end'],
  8: ['it cannot be written', 'make the file and its folder writable'],
  11: ['it is damaged', 'put a copy in its place, or start over without it'],
  13: ['there is no room', 'free disk space'],
  14: ['it cannot be opened', 'make the file and its folder readable and writable'],
  26: ['it is no SQLite database', 'give another path under store.sqlite in conf/'],
};
