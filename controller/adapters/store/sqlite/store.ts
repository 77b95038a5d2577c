import { setTimeout as sleep } from 'node:timers/promises';
import type { RunEvent } from '../../../domain/events.ts';
import type {
  Appended,
  Created,
  EndedRun,
  Entry,
  Lease,
  NewRun,
  RunStore,
  StoreOwner,
} from '../../../domain/ports/store.ts';
import { countsOfEvents, readingsOf } from '../../../domain/totals.ts';
import { rejected } from '../../../lib/errors.ts';
import type { Row } from '../summary.ts';
import { alertsOf } from './alerts.ts';
import { auditOf } from './audit.ts';
import { type Database, openDatabase } from './database.ts';
import { leasesOf } from './leases.ts';
import { addMessages, outboxOf } from './outbox.ts';
import { proofsOf } from './proofs.ts';
import { cleanupOf, indexOf } from './runs.ts';
import { serversOf } from './servers.ts';
import { tokensOf } from './tokens.ts';
import { addTotals, setReadings } from './totals.ts';
import { triggersOf } from './triggers.ts';
import { vitalsOf } from './vitals.ts';

/** Poll interval for events of other processes. Milliseconds. */
const pollMs = 200;

/** The run store in a SQLite file, for any number of processes of one machine. Opening creates or migrates the file. */
export async function sqliteStore(
  file: string,
  { name: project, formerNames = [] }: StoreOwner,
  clock: () => number = Date.now,
): Promise<RunStore> {
  const db = await openDatabase(file);
  const former = { project, formerly: JSON.stringify(formerNames) };
  const isFormer = 'project IN (SELECT value FROM json_each($formerly))';
  if (db.first(`SELECT 1 FROM runs WHERE ${isFormer} LIMIT 1`, { formerly: former.formerly }))
    await db.write(() => {
      for (const table of ['runs', 'events'])
        db.all(`UPDATE ${table} SET project = $project WHERE ${isFormer}`, former);
    });
  const since = 'FROM events WHERE project = $project AND position > $position';

  return {
    create: (run) => db.write(() => create(db, project, run)),
    append: (lease, after, at, entry) => db.write(() => append(db, clock(), lease, after, at, entry)),
    request: (run, at, event) => db.write(() => request(db, run, at, event)),
    history: async (run, afterSeq = 0) =>
      db
        .all('SELECT seq, at, body FROM events WHERE run = $run AND seq > $afterSeq ORDER BY seq', { run, afterSeq })
        .map(({ seq, at, body }) => ({ seq, at, event: JSON.parse(body) })),

    // One transaction writes at a time, so positions appear in order.
    since: async (position, limit) =>
      db
        .all(`SELECT position, run, seq, at, body ${since} ORDER BY position LIMIT $limit`, {
          project,
          position,
          limit,
        })
        .map(({ body, seq, at, run, position: its }) => ({ position: its, run, seq, at, event: JSON.parse(body) })),
    async endsSince(position, limit) {
      const last = db.first('SELECT max(position) AS last FROM events WHERE project = $project', { project })?.last;
      if (position === undefined) return { ends: [], position: last ?? 0 };
      const ends = db
        .all(
          `SELECT position, run, pipeline, state, e.at AS ended FROM events e JOIN runs USING (run)
           WHERE e.project = $project AND position > $position AND body->>'type' = 'run-ended'
           ORDER BY position LIMIT $limit`,
          { project, position, limit },
        )
        .map((row) => row as EndedRun);
      return {
        ends,
        position: ends.length === limit ? (ends.at(-1)?.position ?? position) : Math.max(position, last ?? 0),
      };
    },
    async waitFor(position, signal) {
      while (!signal.aborted && !db.first(`SELECT 1 ${since} LIMIT 1`, { project, position }))
        await sleep(pollMs, undefined, { signal }).catch(() => undefined);
    },

    lastPosition: async () =>
      db.first('SELECT coalesce(max(position), 0) AS last FROM events WHERE project = $project', { project })?.last,

    ...leasesOf(db, project, clock),
    ...indexOf(db, project),
    ...outboxOf(db, project, clock),
    ...alertsOf(db, project, clock),
    ...cleanupOf(db, project, clock),
    ...triggersOf(
      db,
      { create: (run) => create(db, project, run), request: (run, at, event) => request(db, run, at, event) },
      project,
      clock,
    ),
    ...serversOf(db, project, clock),
    ...proofsOf(db, project),
    ...tokensOf(db, project),
    ...auditOf(db, project),
    ...vitalsOf(db, project, clock),
    close: async () => db.close(),
  };
}

function rowOf(db: Database, run: string): Row {
  const row = db.first('SELECT run, project, pipeline, started, token, seq, at, ended FROM runs WHERE run = $run', {
    run,
  });
  if (!row) throw rejected(`there is no run ${run}`);
  return row;
}

/** Adds an event to a run that has not ended, with or without an owner. */
function request(db: Database, run: string, at: number, event: RunEvent): boolean {
  const row = rowOf(db, run);
  if (row.ended !== null) return false;
  const time = Math.max(at, row.at);
  insertEvents(db, row, row.seq, time, [event]);
  db.all('UPDATE runs SET seq = seq + 1, at = $time WHERE run = $run', { run, time });
  return true;
}

function create(
  db: Database,
  project: string,
  { run, pipeline, at, events, owner, idempotencyKey: key, trigger }: NewRun,
): Created {
  const there =
    key !== undefined &&
    db.first('SELECT run, number FROM runs WHERE project = $project AND idempotency_key = $key', { project, key });
  if (there) return { number: there.number, lease: { run: there.run, token: 0 }, isNew: false };
  const made = db.first(
    `INSERT INTO runs (run, project, pipeline, state, started, seq, at, owner, idempotency_key, trigger)
     VALUES ($run, $project, $pipeline, 'pending', $at, $seq, $at, $owner, $key, $trigger) RETURNING number`,
    { run, project, pipeline, at, seq: events.length, owner, key, trigger },
  );
  insertEvents(db, { run, project, pipeline, started: at }, 0, at, events);
  return { number: made?.number, lease: { run, token: 1 }, isNew: true };
}

function append(
  db: Database,
  now: number,
  { run, token }: Lease,
  after: number,
  at: number,
  { events, summary = {}, messages = [], phases, takesSlot, freesSlot }: Entry,
): Appended {
  const before = rowOf(db, run);
  if (before.token !== token) return { refused: 'lost' };
  if (before.seq !== after) return { refused: 'moved' };
  if (freesSlot !== undefined) db.all('DELETE FROM applications WHERE key = $ends', { ends: freesSlot });
  if (takesSlot) {
    const alive = db.first('SELECT count(*) AS n FROM applications')?.n;
    if (takesSlot.limit !== undefined && alive >= takesSlot.limit) return { refused: 'no-slot' };
    db.all('INSERT INTO applications (key, run) VALUES ($key, $run)', { key: takesSlot.key, run });
  }
  const seq = after + events.length;
  const time = Math.max(at, before.at);
  insertEvents(db, before, after, time, events, phases);
  const { state, branch, reason, ended, quality, rows, coreSeconds, measuring } = summary;
  db.all(
    `UPDATE runs SET seq = $seq, at = $time, state = coalesce($state, state), branch = coalesce($branch, branch),
       reason = coalesce($reason, reason), ended = coalesce($ended, ended), quality = coalesce($quality, quality),
       rows = coalesce($rows, rows), core_seconds = coalesce($coreSeconds, core_seconds), measuring = measuring OR $measuring WHERE run = $run`,
    { run, seq, time, state, branch, reason, ended, quality, rows, coreSeconds, measuring: measuring ? 1 : 0 },
  );
  if (ended !== undefined) {
    db.all('UPDATE runs SET owner = NULL, closed = $now WHERE run = $run', { run, now });
    db.all('DELETE FROM applications WHERE run = $run', { run });
  }
  addMessages(db, before.project, now, messages);
  return { seq, at: time };
}

function insertEvents(
  db: Database,
  { run, project, pipeline, started }: Row,
  after: number,
  at: number,
  events: readonly RunEvent[],
  phases?: Entry['phases'],
): void {
  for (const [i, event] of events.entries())
    db.all('INSERT INTO events (project, run, seq, at, body) VALUES ($project, $run, $seq, $at, $body)', {
      ...{ project, run, seq: after + i + 1, at },
      body: JSON.stringify(event),
    });
  setReadings(db, project, pipeline, readingsOf(events));
  addTotals(db, project, pipeline, countsOfEvents(events, at - started, phases));
}
