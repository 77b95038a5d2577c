import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { diffSchema, phaseSchema, runDocumentSchema, runLineSchema } from '../../controller/app/views/documents.ts';
import { auditSchema, tokenSchema } from '../../controller/app/views/lists.ts';
import { checkout, type Done, type Served, serve, sluice } from './checkout.ts';
import { type Answer, json } from './world.ts';

/** What commands print with --json, by the schemas of the API. */
const documents: Readonly<Record<string, z.ZodType>> = {
  runs: z.array(runLineSchema),
  show: runDocumentSchema.extend({ timeline: z.array(phaseSchema) }),
  diff: diffSchema,
  resume: z.object({ run: z.string(), state: z.string() }),
};

const folder = checkout();
let server: Served;
let token: string;
let first: string;
const said: Done[] = [];

/** A command that asks the server. */
async function remote(...args: string[]): Promise<Done> {
  const done = await sluice(folder, [...args, '--server', server.url], { SLUICE_TOKEN: token });
  said.push(done);
  return done;
}
const ask = (path: string, init: RequestInit = {}): Promise<Response> =>
  fetch(`${server.url}${path}`, { ...init, headers: { authorization: `Bearer ${token}`, ...init.headers } });
const ended = async (run: string): Promise<Answer> =>
  json(await ask(`/api/v1/runs/${run}`, { headers: { prefer: 'wait=25' } }));

beforeAll(async () => {
  server = await serve(folder);
  token = readFileSync(join(folder, '.sluice/secrets/api-token'), 'utf8').trim();
}, 60_000);
afterAll(async () => {
  await server.end('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

test('the first start writes a token that only its owner can read', () => {
  const { mode } = statSync(join(folder, '.sluice/secrets/api-token'));
  expect((mode & 0o777).toString(8)).toBe('600');
  expect(token).toMatch(/^slu_/);
});

test('a run that a command starts on a server is executed there', async () => {
  const { code, stdout } = await remote(
    'run',
    'conf/pipelines/plain.yaml',
    '--detach',
    '--idempotency-key',
    'k 1',
    '--json',
  );
  expect(code).toBe(0);
  first = (JSON.parse(stdout) as Answer).run;
  expect(await ended(first)).toMatchObject({
    run: first,
    state: 'succeeded',
    cause: { kind: 'api', by: 'first', key: 'k 1' },
  });
  const again = await remote('run', 'plain', '--detach', '--idempotency-key', 'k 1');
  expect(again.stdout).toBe(`run ${first} has the key, and has ended: succeeded\n`);
});

test('commands print the same with a server as with the store', async () => {
  const second = (
    await json(
      await ask('/api/v1/runs', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: '{"pipeline":"plain","fullRefresh":true}',
      }),
    )
  ).run;
  await ended(second);
  const commands = [
    ['runs'],
    ['runs', '--state', 'succeeded', '--before', second, '--json'],
    ['show', first],
    ['show', '--json'],
    ['logs', first],
    ['logs', first, '--follow', '--json'],
    ['diff', first, second],
    ['diff', first, second, '--json'],
    ['cancel', first],
    ['resume', first, '--json'],
    ['show', 'none', '--json'],
  ];
  for (const command of commands) {
    const [here, there] = await Promise.all([sluice(folder, command), remote(...command)]);
    expect(there, command.join(' ')).toEqual(here);
    const schema = documents[command[0] as string];
    if (here.code === 0 && command.includes('--json') && schema)
      expect(schema.parse(JSON.parse(here.stdout)), command.join(' ')).toEqual(JSON.parse(here.stdout));
  }
}, 240_000);

test('a run on a server is detached, and a server that is away is an unavailable dependency', async () => {
  const attached = await remote('run', 'plain');
  expect([attached.code, attached.stderr]).toEqual([2, expect.stringContaining('add --detach')]);
  const away = await sluice(folder, ['runs', '--server', 'http://127.0.0.1:1'], { SLUICE_TOKEN: token });
  expect([away.code, away.stderr]).toEqual([3, expect.stringContaining('does not answer')]);
  const stranger = await sluice(folder, ['runs', '--server', server.url, '--json']);
  expect(stranger.code).toBe(2);
  expect(JSON.parse(stranger.stdout).error.hint).toContain('SLUICE_TOKEN');
  const noAddress = await sluice(folder, ['runs', '--server', 'here']);
  expect([noAddress.code, noAddress.stderr]).toEqual([2, expect.stringContaining('no address of a server')]);
});

test('quarantined rows are read, repaired and replayed', async () => {
  const path = `/api/v1/runs/${first}/quarantine/orders`;
  const { items, next } = await json(await ask(path));
  expect([items.length, next]).toEqual([1, null]);
  expect(items[0]).toMatchObject({ row: 1, values: { id: '3', amount: 'x' } });
  const file = await ask(`${path}/file`);
  expect(file.headers.get('content-disposition')).toBe(`attachment; filename="${first}-orders.csv"`);
  const csv = await file.text();
  const replay = (body: string) =>
    ask(`/api/v1/runs/${first}:replay`, { method: 'POST', headers: { 'content-type': 'text/csv' }, body });
  expect([(await replay(csv)).status, (await replay('nonsense')).status, (await replay('')).status]).toEqual([
    422, 422, 422,
  ]);
  const response = await replay(csv.replace(/\bx\b/, '7'));
  expect(response.status).toBe(201);
  const { run } = await json(response);
  expect(await ended(run)).toMatchObject({ state: 'succeeded', outputs: [{ view: 'result', rows: 3 }] });
});

test('a plan is made without a run', async () => {
  const headers = { 'content-type': 'application/json', prefer: 'wait=25' };
  const response = await ask('/api/v1/pipelines/plain/plan', { method: 'POST', headers, body: '{}' });
  expect([response.status, response.headers.get('preference-applied')]).toEqual([202, 'wait=25']);
  const made = await json(response);
  expect(made).toMatchObject({ state: 'ready', document: { verdict: 'go', pipeline: 'plain' } });
  expect(await json(await ask(`/api/v1/plans/${made.plan}`))).toEqual(made);
});

test('tokens are created, listed and revoked by commands, which the audit log shows', async () => {
  const created = await sluice(folder, ['token', 'create', 'reader', '--scope', 'read', 'data', '--expires', '1d']);
  const text = created.stdout.trim();
  const as = { headers: { authorization: `Bearer ${text}` } };
  expect((await ask('/api/v1/runs', as)).status).toBe(200);
  const [, id = ''] = text.split('_');
  expect((await sluice(folder, ['token', 'list'])).stdout).toMatch(
    new RegExp(`^${id} +reader +read, data +\\* +valid until `, 'm'),
  );
  expect((await sluice(folder, ['token', 'revoke', id])).code).toBe(0);
  expect((await sluice(folder, ['token', 'revoke', id])).code).toBe(2);
  expect((await sluice(folder, ['token', 'destroy'])).code).toBe(2);
  expect((await ask('/api/v1/runs', as)).status).toBe(401);
  const { stdout } = await sluice(folder, ['audit', '--json', '--limit', '200']);
  expect(z.array(auditSchema).parse(JSON.parse(stdout))).toEqual(JSON.parse(stdout));
  const listed = JSON.parse((await sluice(folder, ['token', 'list', '--json'])).stdout);
  expect(z.array(tokenSchema).parse(listed)).toEqual(listed);
  const actions = (JSON.parse(stdout) as { action: string; status: number }[]).map(
    ({ action, status }) => `${action} ${status}`,
  );
  expect(actions).toEqual(
    expect.arrayContaining(['token create 200', 'token revoke 200', 'GET /api/v1/runs 401', 'POST /api/v1/runs 201']),
  );
  said.push({ code: 0, stdout, stderr: '' });
}, 120_000);

test('SIGTERM ends streams and the process, and no secret is anywhere', async () => {
  const stream = await ask('/api/v1/events', { headers: { accept: 'text/event-stream' } });
  const code = server.end();
  expect(await stream.text()).toContain('event: closing');
  expect(await code).toBe(0);
  expect(JSON.parse(server.printed.stdout)).toEqual({ left: [], url: server.url });
  const requests = server.printed.stderr
    .split('\n')
    .filter((line) => line.includes('"route"'))
    .map((line) => JSON.parse(line));
  expect(requests.length).toBeGreaterThan(20);
  expect(requests[0]).toMatchObject({ level: 'info', status: expect.any(Number), ms: expect.any(Number) });
  expect(
    requests.some(({ route, token: id }) => route === 'GET /api/v1/runs/{run}' && id === token.split('_')[1]),
  ).toBe(true);
  const secret = token.split('_')[2] as string;
  const store = readFileSync(join(folder, 'store.db'), 'latin1');
  for (const text of [
    server.printed.stderr,
    server.printed.stdout,
    store,
    ...said.flatMap((each) => [each.stdout, each.stderr]),
  ])
    expect(text.includes(secret)).toBe(false);
  expect(store).toContain(token.split('_')[1]);
}, 60_000);

test('an address that others reach needs a login in conf/, and unknown keys are refused by line', async () => {
  const open = await sluice(folder, ['serve', '--bind', '0.0.0.0:0']);
  expect([open.code, open.stderr]).toEqual([2, expect.stringContaining('auth: tokens')]);
  const file = join(folder, 'conf/connections.yaml');
  const before = readFileSync(file, 'utf8');
  writeFileSync(file, `${before}serve:\n  auth: none\n`);
  expect((await sluice(folder, ['serve', '--bind', '[::]:0'])).code).toBe(2);
  writeFileSync(file, `${before}serve:\n  auht: tokens\n`);
  const wrong = await sluice(folder, ['serve']);
  expect([wrong.code, wrong.stderr]).toEqual([2, expect.stringMatching(/connections\.yaml:5.*auht/s)]);
  writeFileSync(file, before);
}, 60_000);
