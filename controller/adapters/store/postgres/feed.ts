import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { closePostgres, connectPostgres } from '../../../clients/postgres.ts';
import type { PostgresAddress } from '../../../config/addresses.ts';
import type { EventFeed } from '../../../domain/ports/store.ts';
import { SluiceError } from '../../../lib/errors.ts';
import type { Query } from './query.ts';

/** An arbitrary number for advisory locks. */
const writingLock = '7301960413';
/**
 * Part of the first statement of every transaction that adds events. Until it ends, readers see that it may hold
 * positions that are not visible yet. The lock is shared, so it never blocks a writer.
 */
export const writing = `pg_advisory_xact_lock_shared(${writingLock})`;

/** The first statement of a transaction that creates runs: those of a pipeline are numbered as they become visible. */
export const numbering = (client: pg.ClientBase, pipeline: string): Promise<unknown> =>
  client.query(`SELECT pg_advisory_xact_lock(hashtextextended($1, 0)), ${writing}`, [pipeline]);

/** How long a reader waits for transactions that may still add earlier events. Milliseconds. */
const settleMs = 1000;
/** Poll interval for events without a notification. Milliseconds. */
const pollMs = 1000;
/**
 * The shortest interval of notifications. They are sent outside transactions, because NOTIFY serializes commits.
 * Milliseconds.
 */
const hintMs = 50;
const channel = 'sluice_events';

const busy = (): SluiceError =>
  new SluiceError('the run store is busy: a transaction does not end', { kind: 'unavailable' });

interface Feed extends EventFeed {
  /** Notifies other processes of new events. Best effort. */
  hint(): void;
  close(): Promise<void>;
}

/** All events of a project in the order of their positions, in PostgreSQL. */
export function feedOf(query: Query, project: string, address: PostgresAddress): Feed {
  const hints = hintsOf(project, address);
  let hinting: NodeJS.Timeout | undefined;
  /** Transactions that may hold positions that are not visible yet. */
  const open = async (): Promise<string[]> =>
    (
      await query(
        `SELECT virtualtransaction AS name FROM pg_locks JOIN pg_database d ON d.oid = database
         WHERE locktype = 'advisory' AND datname = current_database() AND objsubid = 1
           AND classid = ($1::bigint >> 32)::oid AND objid = ($1::bigint & 4294967295)::oid`,
        [writingLock],
      )
    ).rows.map((row) => row.name);

  /** Resolves when all transactions that were adding events at the call have ended; false when that takes too long. */
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
      // A smaller position than a visible one was taken earlier, by a transaction that holds the lock to its end.
      if (last === null || !(await settled())) return [];
      const { rows } = await query(
        `SELECT position, run, seq, at, body ${following} AND position <= $3 ORDER BY position LIMIT $4`,
        [project, position, last, limit],
      );
      return rows.map(({ body: event, ...row }) => ({ ...row, event }) as never);
    },

    async endsSince(position, limit) {
      const { rows: seen } = await query('SELECT max(position) AS last FROM events WHERE project = $1', [project]);
      const last = seen[0].last ?? 0;
      const isSettled = await settled();
      if (position === undefined && !isSettled) throw busy();
      if (position === undefined || !isSettled) return { ends: [], position: position ?? last };
      const { rows: ends } = await query(
        `SELECT position, run, pipeline, state, e.at AS ended FROM events e JOIN runs USING (run)
         WHERE e.project = $1 AND position > $2 AND position <= $3 AND body->>'type' = 'run-ended'
         ORDER BY position LIMIT $4`,
        [project, position, last, limit],
      );
      return { ends, position: ends.length === limit ? ends.at(-1).position : Math.max(position, last) };
    },

    async waitFor(position, signal) {
      while (!signal.aborted) {
        const hinted = hints.count();
        const { rows } = await query(`SELECT EXISTS (SELECT ${following}) AS there`, [project, position]);
        if (rows[0].there) return;
        await hints.after(hinted, signal);
      }
    },

    async lastPosition() {
      const { rows } = await query('SELECT coalesce(max(position), 0) AS last FROM events WHERE project = $1', [
        project,
      ]);
      if (!(await settled())) throw busy();
      return rows[0].last;
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

/** Counts notifications while a connection for them is available. Without one, `after` just waits. */
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
    /** Resolves at the first notification after `known`, after a poll interval, or when the signal aborts. */
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
