import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { lastRun, mails, query, type RunDocument, sluice, smallPipeline, start, write } from './world.ts';

const token = 'token-that-nobody-may-see';
const asked: { url: string | undefined; headers: IncomingHttpHeaders; body: string }[] = [];
/** An API that is busy at first, then breaks the connection, and finally responds. */
const api = createServer((request, response) => {
  let body = '';
  request.on('data', (chunk: Buffer) => {
    body += chunk.toString();
  });
  request.on('end', () => {
    asked.push({ url: request.url, headers: request.headers, body });
    if (request.url === '/silent') return;
    if (asked.length === 1) response.writeHead(429, { 'retry-after': '2' }).end('slow down');
    else if (asked.length === 2) response.writeHead(500).end(`broken for ${token}`);
    else response.writeHead(200).end(JSON.stringify({ accepted: 3, echo: request.headers.authorization }));
  });
});
let env: Record<string, string> = {};
beforeAll(async () => {
  await new Promise<void>((resolve) => {
    api.listen(0, '127.0.0.1', () => resolve());
  });
  env = { API: `http://127.0.0.1:${(api.address() as AddressInfo).port}`, API_TOKEN: token };
});
afterAll(() => {
  api.closeAllConnections();
  api.close();
});

test('an API is retried until it responds, its response decides the next steps, and its token appears nowhere', async () => {
  await write(
    'sql/note.sql',
    `INSERT INTO notes SELECT 'told', count(*) FROM asking.result; UPDATE notes SET n = n + 0;`,
  );
  await query('CREATE TABLE notes (what text, n bigint)');
  const file = await smallPipeline('asking', {
    extra: `  tell:
    needs: [work]
    http:
      url: "\${API}/segments/{{ run.pipeline }}"
      method: POST
      headers: { authorization: "Bearer \${API_TOKEN}" }
      body: { rows: "{{ steps.work.rows.result }}", quality: "{{ quality.score }}" }
    retry: { maximumAttempts: 4, initialInterval: 100ms }
  note:
    needs: [tell]
    if: steps.tell.body.accepted == 3
    postgres: { connection: shop, sql: sql/note.sql }
  never:
    needs: [tell]
    if: steps.tell.body.accepted != 3
    postgres: { connection: shop, sql: sql/note.sql }
`,
  });
  const { stdout, stderr, exitCode } = await start(['run', file, '--json'], env);
  expect(exitCode, String(stderr)).toBe(0);
  const doc = JSON.parse(String(stdout)) as RunDocument;
  const of = (name: string) => doc.steps.find((step) => step.name === name);
  expect(of('tell')?.attempts.map((attempt) => attempt.failure)).toEqual([
    'service-unavailable',
    'service-unavailable',
    null,
  ]);
  const [first, second] = of('tell')?.attempts ?? [];
  expect(Date.parse(second?.started ?? '') - Date.parse(first?.ended ?? '')).toBeGreaterThanOrEqual(1900);
  expect(asked.map((each) => each.headers['idempotency-key'])).toEqual(Array(3).fill(`sluice-${doc.run}-tell`));
  expect(asked[0]?.headers.authorization).toBe(`Bearer ${token}`);
  expect(asked[0]?.url).toBe('/segments/asking');
  expect(JSON.parse(asked[0]?.body ?? '')).toEqual({ rows: 3, quality: 1 });
  expect([of('note')?.state, of('never')?.state]).toEqual(['succeeded', 'skipped']);
  expect(of('never')?.reason).toBe('steps.tell.body.accepted = 3, and never requires steps.tell.body.accepted != 3');
  expect(of('note')?.attempts[0]?.answer).toEqual({ body: { rows: 2 } });
  expect(await query('SELECT * FROM notes')).toEqual([{ what: 'told', n: 3 }]);

  const kept = JSON.stringify(await query('SELECT body FROM events', 'sluice'));
  expect(kept).toContain('${API_TOKEN}');
  for (const text of [
    kept,
    String(stdout),
    String(stderr),
    (await sluice('show')).stdout,
    JSON.stringify(await mails(doc.run)),
  ])
    expect(text).not.toContain(token);
});

test('SQL of a step runs once although its controller dies before it can record that', async () => {
  await write('sql/once.sql', `INSERT INTO notes VALUES ('once', 1)`);
  await query('CREATE TABLE IF NOT EXISTS notes (what text, n bigint)');
  const file = await write(
    'conf/pipelines/doing-once.yaml',
    `name: doing-once
sources:
  small: { csv: data/small/*.csv, key: id, columns: { id: bigint, note: string } }
branches: [{ name: all }]
steps:
  work: { postgres: { connection: shop, sql: sql/once.sql } }
`,
  );
  // Start, measuring, measures, plan, intent; the sixth write would be the end of the attempt.
  const first = await start(['run', file], { SLUICE_FAULT: 'before:6:kill' });
  expect(first.signal).toBe('SIGKILL');
  expect(await query(`SELECT * FROM notes WHERE what = 'once'`)).toHaveLength(1);
  const { run } = await lastRun();
  const resumed = await sluice('resume', run);
  expect(resumed.exitCode, resumed.stderr).toBe(0);
  expect(await query(`SELECT * FROM notes WHERE what = 'once'`)).toHaveLength(1);
});

test('SQL that is wrong, or contains COMMIT or ROLLBACK, fails the step; an API that never answers runs into its timeout', async () => {
  await write('sql/wrong.sql', 'INSERT INTO nowhere VALUES (1)');
  await write('sql/commits.sql', 'SELECT 1; COMMIT; SELECT 2');
  const file = await write(
    'conf/pipelines/going-wrong.yaml',
    `name: going-wrong
sources:
  small: { csv: data/small/*.csv, key: id, columns: { id: bigint, note: string } }
branches: [{ name: all }]
steps:
  wrong: { postgres: { connection: shop, sql: sql/wrong.sql } }
  commits: { postgres: { connection: shop, sql: sql/commits.sql } }
  silent: { http: { url: "\${API}/silent" }, timeout: 2s, retry: { maximumAttempts: 1 } }
`,
  );
  const { stdout, exitCode } = await start(['run', file, '--json'], env);
  expect(exitCode).toBe(1);
  const doc = JSON.parse(String(stdout)) as RunDocument;
  const failures = Object.fromEntries(
    doc.steps.map((step) => [step.name, step.attempts.map(({ failure, message }) => [failure, message])]),
  );
  expect(failures).toEqual({
    wrong: [['bad-sql', expect.stringContaining('relation "nowhere" does not exist')]],
    commits: [['bad-sql', expect.stringContaining('contains COMMIT or ROLLBACK')]],
    silent: [['timed-out', 'timed out after 2s']],
  });
});
