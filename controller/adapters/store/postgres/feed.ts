import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { closePostgres, connectPostgres } from '../../../clients/postgres.ts';
import type { PostgresAddress } from '../../../config/addresses.ts';
import type { EventFeed } from '../../../domain/ports/store.ts';
import type { Query } from './query.ts';

/** Any number that only this program uses. */
const writingLock = '7301960413';
/**
 * Part of the first statement of every transaction that adds events: until it ends, everybody sees that it may have taken
 * positions which are not visible yet. It waits for nothing, as all of them share the lock.
 */
export const writing = `pg_advisory_xact_lock_shared(${writingLock})`;

/** How long a reader waits for transactions that may still add events before those it sees. Milliseconds. */
const settleMs = 1000;
/** How often events are looked for where no notification comes. Milliseconds. */
const pollMs = 1000;
/** Notifications are sent at most so often, and outside transactions: a NOTIFY makes commits wait for each other. Milliseconds. */
const hintMs = 50;
const channel = 'sluice_events';

interface Feed extends EventFeed {
  /** Tells other processes that there are new events; nothing depends on its arrival. */
  hint(): void;
  close(): Promise<void>;
}

/** All events of a project in the order of their positions, in PostgreSQL. */
export function feedOf(query: Query, project: string, address: PostgresAddress): Feed {
  const hints = hintsOf(project, address);
  let hinting: NodeJS.Timeout | undefined;
  /** Transactions that may have taken positions which cannot be seen yet. */
  const open = async (): Promise<string[]> =>
    (
      await query(
        `SELECT virtualtransaction AS name FROM pg_locks JOIN pg_database d ON d.oid = database
         WHERE locktype = 'advisory' AND datname = current_database() AND objsubid = 1
           AND classid = ($1::bigint >> 32)::oid AND objid = ($1::bigint & 4294967295)::oid`,
        [writingLock],
      )
    ).rows.map((row) => row.name);

  /** Resolves when all transactions that were adding events when it was called have ended; false when that takes too long. */
  async function settled(): Promise<boolean> {
    const until = performance.now() + settleMs;
    let before = await open();
    while (before.length > 0) {
      if (performance.now() > until) return false;
      await sleep(5);
      const now = await open();
      before = before.filter((name) => now.includes(name));
    }
    return true;
  }
  const following = 'FROM events WHERE project = $1 AND position > $2';

  return {
    async since(position, limit) {
      const seen = await query(
        `SELECT max(position) AS last FROM (SELECT position ${following} ORDER BY position LIMIT $3) e`,
        [project, position, limit],
      );
      const { last } = seen.rows[0];
      // What has a smaller position than a visible event took it before, in a transaction that holds the lock to its end.
      if (last === null || !(await settled())) return [];
      const { rows } = await query(
        `SELECT position, run, seq, at, body ${following} AND position <= $3 ORDER BY position LIMIT $4`,
        [project, position, last, limit],
      );
      return rows.map(({ body: event, ...row }) => ({ ...row, event }) as never);
    },

    async waitFor(position, signal) {
      while (!signal.aborted) {
        const hinted = hints.count();
        const { rows } = await query(`SELECT EXISTS (SELECT ${following}) AS there`, [project, position]);
        if (rows[0].there) return;
        await hints.after(hinted, signal);
      }
    },

    hint() {
      hinting ??= setTimeout(() => {
        hinting = undefined;
        query('SELECT pg_notify($1, $2)', [channel, project]).catch(() => undefined);
      }, hintMs).unref();
    },

    async close() {
      clearTimeout(hinting);
      await hints.close();
    },
  };
}

/** Notifications, for as long as a connection for them can be had; without one, time passes all the same. */
function hintsOf(project: string, address: PostgresAddress) {
  let count = 0;
  let client: Promise<pg.Client> | undefined;
  let waiting = new AbortController();
  const listen = async (): Promise<pg.Client> => {
    const made = await connectPostgres(address);
    made.on('notification', ({ payload }) => {
      if (payload !== project) return;
      count += 1;
      waiting.abort();
      waiting = new AbortController();
    });
    made.on('end', () => {
      client = undefined;
    });
    await made.query(`LISTEN ${channel}`);
    return made;
  };
  return {
    count: () => count,
    /** Resolves at the first notification after so many, after a while, or when the signal aborts. */
    async after(known: number, signal: AbortSignal): Promise<void> {
      client ??= listen();
      client.catch(() => {
        client = undefined;
      });
      if (count !== known) return;
      await sleep(pollMs, undefined, { signal: AbortSignal.any([signal, waiting.signal]) }).catch(() => undefined);
    },
    async close(): Promise<void> {
      await client?.then(closePostgres, () => undefined);
    },
  };
}
