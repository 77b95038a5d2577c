import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pick, type Random, randomOf } from '../../controller/demo/random.ts';
import { pause, query, start, write } from '../integration/world.ts';
import { Controllers } from './controllers.ts';
import { fakedClock } from './faked-clock.ts';
import { type Counter, soon, wrongSeries } from './scraped.ts';

export interface FiringOptions {
  readonly triggers: number;
  readonly minutes: number;
  readonly kills: number;
  readonly seed: number;
  readonly log: (line: string) => void;
}

/** What came of the instants: counts, and what must have no cases. */
export interface FiringTable {
  readonly broken: Readonly<Record<string, readonly string[]>>;
  readonly counts: Readonly<Record<string, number>>;
}

const minute = 60_000;
/** A stop outlasts the lease of a controller. Milliseconds. */
const stopMs = 9000;
/** How long all runs may take to end after the last fault. Milliseconds. */
const settleWithin = 600_000;
/** Servers have seen the triggers before the first instant. Milliseconds. */
const beforeMs = 45_000;

interface Expected {
  readonly pipeline: string;
  readonly key: string;
}

/** Fires intervals by servers that are killed and stopped, with wrong clocks and zones, and counts from outside. */
export async function firingChaos({ triggers, minutes, kills, seed, log }: FiringOptions): Promise<FiringTable> {
  const random = randomOf(seed, 'firing');
  const witness = await openWitness();
  const first = Date.now() + beforeMs;
  const expected: Expected[] = [];
  await write('data/fired/a.csv', 'id,note\n1,one\n');
  for (let i = 0; i < triggers; i++) {
    const from = first + Math.round((i * minute) / triggers);
    const pipeline = `fired-${i}`;
    await write(`conf/pipelines/${pipeline}.yaml`, pipelineOf(pipeline, witness.url, from));
    for (let n = 0; n < minutes; n++) expected.push({ pipeline, key: new Date(from + n * minute).toISOString() });
  }
  const faults: Record<string, number> = {};
  const controllers = new Controllers(random, log, () => clockOf(random, faults));
  controllers.open();
  const endsAt = first + minutes * minute;
  await pause(beforeMs);
  const gapMs = (endsAt - Date.now()) / kills;
  for (let n = 1; n <= kills; n++) {
    await pause(gapMs * (0.5 + random()) * 0.9);
    const what = strike(random, controllers);
    faults[what] = (faults[what] ?? 0) + 1;
    log(`${String(n).padStart(4)} of ${kills}: ${what}`);
  }
  await pause(Math.max(0, endsAt - Date.now()));
  const settled = await settle(expected);
  // No further instants: what is counted stays.
  for (let i = 0; i < triggers; i++)
    await write(`conf/pipelines/fired-${i}.yaml`, pipelineOf(`fired-${i}`, witness.url));
  const scraped = await wrongScrapes(controllers);
  await controllers.close();
  await witness.close();
  const { broken, counts } = await verdict(expected, witness.requests, faults, settled);
  return {
    broken: { ...broken, 'counters of /metrics that differ from the histories': scraped.wrong },
    counts: {
      ...counts,
      'servers whose /metrics was compared': scraped.servers,
      'counters that were compared on each': scraped.counters,
    },
  };
}

const pipelineOf = (name: string, url: string, from?: number): string => `name: ${name}
sources:
  files: { csv: data/fired/*.csv, key: id, columns: { id: bigint, note: string } }
branches: [{ name: all }]
steps:
  tell:
    http: { url: "${url}/{{ run.name }}", method: POST }
    retry: { maximumAttempts: 30, initialInterval: 1s, maximumInterval: 5s, patience: 1h }
concurrency: parallel
${from === undefined ? '' : triggersFrom(from)}`;

const triggersFrom = (from: number): string => `triggers:
  # Its own values give each instant a run of its own.
  often: { every: 1m, from: "${new Date(from).toISOString()}", missed: all, within: 2h, with: { key: "{{ trigger.key }}" } }
`;

/** Clocks of servers are wrong by hours, and in other zones. */
function clockOf(random: Random, faults: Record<string, number>): Record<string, string> {
  const [offset, zone] = pick(random, [
    ['', ''],
    ['-3h', 'Asia/Tokyo'],
    ['+3h', 'America/New_York'],
  ] as const);
  if (!fakedClock || offset === '') return {};
  const what = `servers with a clock wrong by ${offset}`;
  faults[what] = (faults[what] ?? 0) + 1;
  return { LD_PRELOAD: fakedClock, FAKETIME: offset, FAKETIME_DONT_FAKE_MONOTONIC: '1', TZ: zone };
}

/** Kills a server, or stops it for longer than its lease. */
function strike(random: Random, controllers: Controllers): string {
  const pids = controllers.alive.flatMap((child) => child.pid ?? []);
  const pid = pids[Math.floor(random() * pids.length)];
  if (pid === undefined) return 'none there';
  const isStop = random() < 0.2;
  const hit = (signal: NodeJS.Signals): void => {
    try {
      process.kill(pid, signal);
    } catch {
      // It has just ended by itself.
    }
  };
  hit(isStop ? 'SIGSTOP' : 'SIGKILL');
  if (isStop) setTimeout(() => hit('SIGCONT'), stopMs + random() * 5000);
  return isStop ? 'servers stopped' : 'servers killed';
}

interface Request {
  readonly run: string;
  /** The same for every repetition of an attempt. */
  readonly key: string;
}

/** The service that runs call: it counts their requests. */
async function openWitness() {
  const requests: Request[] = [];
  const server = createServer((question, answer) => {
    const { 'idempotency-key': key = '' } = question.headers;
    requests.push({ run: (question.url ?? '').slice(1), key: String(key) });
    question.resume();
    answer.setHeader('content-type', 'application/json').end('{}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    ...{ requests, url: `http://127.0.0.1:${port}` },
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

const ledger = () =>
  query(
    `SELECT f.pipeline, f.key, f.outcome, f.reason, f.count, f.run, r.state, r.ended, r.reason AS why FROM firings f LEFT JOIN runs r USING (run)
     WHERE f.pipeline LIKE 'fired-%'`,
    'sluice',
  );

/** What the histories and the ledger have, counted again. */
const counted = `WITH fired AS (SELECT pipeline, body FROM events JOIN runs USING (run) WHERE pipeline LIKE 'fired-%'),
     counted AS (
       SELECT pipeline, 'runs_ended' AS name, jsonb_build_array(body->>'state') AS labels, count(*) AS n
       FROM fired WHERE body->>'type' = 'run-ended' GROUP BY 1, 3
       UNION ALL SELECT pipeline, 'runs_taken_over', '[]', count(*)
       FROM fired WHERE body->>'type' = 'taken-over' GROUP BY 1
       UNION ALL SELECT pipeline, 'attempts_ended',
         jsonb_build_array(body->>'step', body->>'state', coalesce(body->'failure'->>'kind', '')), count(*)
       FROM fired WHERE body->>'type' = 'attempt-ended' GROUP BY 1, 3
       UNION ALL SELECT pipeline, 'firings', jsonb_build_array(trigger, outcome), sum(count)
       FROM firings WHERE pipeline LIKE 'fired-%' GROUP BY 1, 3
     )`;

/** The totals that differ from that. */
const wrongTotals = () =>
  query(
    `${counted}, kept AS (
       SELECT pipeline, name, labels::jsonb AS labels, n FROM totals
       WHERE pipeline LIKE 'fired-%' AND name IN (SELECT name FROM counted)
     )
     SELECT pipeline, name, labels::text AS labels, kept.n AS kept, counted.n AS counted
     FROM counted FULL JOIN kept USING (pipeline, name, labels) WHERE kept.n IS DISTINCT FROM counted.n`,
    'sluice',
  );

/** What servers export that differs from that, once nothing fires or runs any more. */
async function wrongScrapes(controllers: Controllers): Promise<{ servers: number; counters: number; wrong: string[] }> {
  const made = await start(['token', 'create', 'witness', '--scope', 'read', '--json']);
  const { token } = JSON.parse(String(made.stdout)) as { token: string };
  const isQuiet = async (): Promise<boolean> => {
    const [{ open = 1 } = {}] = await query('SELECT count(*) AS open FROM runs WHERE ended IS NULL', 'sluice');
    return Number(open) === 0 && controllers.serving.length === 2;
  };
  if (!(await soon(isQuiet))) return { servers: 0, counters: 0, wrong: ['servers or runs do not come to rest'] };
  const rows = (await query(`${counted} SELECT * FROM counted`, 'sluice')) as Counter[];
  const all = rows.map((row) => ({ ...row, n: Number(row.n) }));
  const urls = controllers.serving;
  const wrong = await Promise.all(urls.map((url) => wrongSeries(url, token, all, 'fired-')));
  return { servers: urls.length, counters: all.length, wrong: wrong.flat() };
}

/** Waits until the runs of all expected instants have ended. */
async function settle(expected: readonly Expected[]): Promise<boolean> {
  for (const deadline = Date.now() + settleWithin; Date.now() < deadline; ) {
    const ended = new Set((await ledger()).flatMap((row) => (row.ended === null ? [] : `${row.pipeline} ${row.key}`)));
    if (expected.every(({ pipeline, key }) => ended.has(`${pipeline} ${key}`))) return true;
    await pause(2000);
  }
  return false;
}

async function verdict(
  expected: readonly Expected[],
  requests: readonly Request[],
  faults: Readonly<Record<string, number>>,
  settled: boolean,
): Promise<FiringTable> {
  const rows = await ledger();
  const of = ({ pipeline, key }: Expected) => rows.filter((row) => row.pipeline === pipeline && row.key === key);
  const runs = new Set(
    (await query("SELECT run FROM runs WHERE pipeline LIKE 'fired-%'", 'sluice')).map(({ run }) => run),
  );
  const started = rows.filter(({ outcome }) => outcome === 'started');
  const expectedRuns = expected.flatMap((each) => of(each).flatMap(({ run }) => (run === null ? [] : String(run))));
  const keysOf = (run: string) => new Set(requests.flatMap((each) => (each.run === run ? each.key : [])));
  const name = ({ pipeline, key }: Expected): string => `${pipeline} ${key}`;
  const ownRows = new Set(started.map(({ run }) => run));
  return {
    broken: {
      'instants without a row': expected.filter((each) => of(each).length === 0).map(name),
      'instants that started no run': expected.flatMap((each) =>
        of(each).flatMap(({ outcome, reason }) =>
          outcome === 'started' ? [] : `${name(each)}: ${outcome}, ${reason}`,
        ),
      ),
      'runs of two instants': expectedRuns.filter((run, i) => expectedRuns.indexOf(run) !== i),
      'runs without an instant': [...runs].filter((run) => !ownRows.has(run)),
      'runs that did not succeed': rows.flatMap(({ run, state, ended, why }) =>
        ended !== null && state !== 'succeeded' ? `${run}: ${state}, ${why}` : [],
      ),
      'runs whose request never came': settled
        ? expectedRuns.filter((run) => keysOf(run).size === 0)
        : ['not all ended'],
      'totals that differ from the histories': (await wrongTotals()).map((row) => JSON.stringify(row)),
      'runs that made their request twice': expectedRuns.filter((run) => keysOf(run).size > 1),
    },
    counts: {
      instants: expected.length,
      runs: new Set(expectedRuns).size,
      requests: expectedRuns.filter((run) => keysOf(run).size > 0).length,
      'requests that were repeated with their key': requests.length - new Set(requests.map(({ key }) => key)).size,
      ...faults,
    },
  };
}

/** The closing table, as lines. */
export function firingLines({ broken, counts }: FiringTable): string[] {
  const line = (n: number, what: string): string => `${String(n).padStart(6)}  ${what}`;
  return [
    ...Object.entries(counts).map(([what, n]) => line(n, what)),
    'must be zero:',
    ...Object.entries(broken).map(([what, cases]) => line(cases.length, what)),
    ...Object.entries(broken).flatMap(([what, cases]) => cases.slice(0, 10).map((each) => `${what}: ${each}`)),
  ];
}
