import { expect, test } from 'vitest';
import { isSecretOf, newToken, parseToken } from '../../controller/app/access/token.ts';
import { isLoopback, knownHosts, networks, splitBind } from '../../controller/server/doors/origin.ts';
import { generous, world } from './world.ts';

test('a token has a prefix, an id, 256 random bits and a checksum, and only its hash is stored', () => {
  const { text, token } = newToken({ name: 'n', scopes: ['read'], pipelines: ['*'], by: 'me' }, 5);
  expect(text).toMatch(/^slu_[0-9A-Za-z]{8}_[0-9A-Za-z]{49}$/);
  const parsed = parseToken(text);
  expect(parsed?.id).toBe(token.id);
  expect(isSecretOf(token, parsed?.secret as string)).toBe(true);
  expect(isSecretOf(token, `${parsed?.secret.slice(0, -1)}~`)).toBe(false);
  expect(JSON.stringify(token)).not.toContain(parsed?.secret);
  expect(token.hash).toMatch(/^[0-9a-f]{64}$/);
});

test('a token with one wrong character is refused by its checksum', () => {
  const { text } = newToken({ name: 'n', scopes: ['read'], pipelines: ['*'], by: 'me' }, 5);
  for (let i = 4; i < text.length; i++) {
    const changed = text.slice(0, i) + (text[i] === 'a' ? 'b' : 'a') + text.slice(i + 1);
    expect(parseToken(changed), changed).toBeUndefined();
  }
  for (const strange of ['', 'slu_', `${text} `, `${text}\n`, text.toUpperCase(), `x${text}`])
    expect(parseToken(strange)).toBeUndefined();
});

test('names of other sites are refused (rebinding)', async () => {
  const { get } = await world({ serve: { limits: generous, hosts: ['sluice.example.org', 'other:9000'] } });
  const isKnown = knownHosts('127.0.0.1', 8811, ['sluice.example.org', 'other:9000']);
  const known = [
    '127.0.0.1:8811',
    'localhost:8811',
    'LOCALHOST:8811',
    '[::1]:8811',
    'sluice.example.org',
    'sluice.example.org:443',
    'other:9000',
  ];
  const strange = [
    '',
    'evil.example',
    '127.0.0.1',
    '127.0.0.1:8812',
    'localhost',
    'other',
    'other:9001',
    'localhost:8811.evil.example',
    'sluice.example.org.evil',
    'evil@localhost:8811',
  ];
  expect(known.filter((host) => !isKnown(host))).toEqual([]);
  expect(strange.filter((host) => isKnown(host))).toEqual([]);
  expect((await get('/api/v1/runs', { headers: { host: 'evil.example:8811' } })).status).toBe(421);
  expect((await get('/nothing', { headers: { host: 'evil.example:8811' } })).status).toBe(421);
  // A prober knows the server by the address of its container.
  expect((await get('/livez', { headers: { host: '10.1.2.3:8811' } })).status).toBe(200);
});

test('requests from pages of other sites are refused', async () => {
  const { ask, run } = await world();
  const { name } = await run();
  const cancel = (headers: Record<string, string>) => ask('POST', `/api/v1/runs/${name}:cancel`, { headers });
  for (const headers of [
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' },
    { origin: 'https://evil.example' },
    { origin: 'null' },
    { origin: 'http://127.0.0.1:8812' },
    { origin: 'http://localhost:8811.evil.example' },
  ])
    expect((await cancel(headers as never)).status, JSON.stringify(headers)).toBe(403);
  expect((await ask('GET', '/api/v1/runs', { headers: { 'sec-fetch-site': 'cross-site' } })).status).toBe(403);
  expect((await cancel({ 'sec-fetch-site': 'same-origin', origin: 'http://127.0.0.1:8811' })).status).toBe(202);
  expect((await cancel({ 'sec-fetch-site': 'none' })).status).toBe(202);
  expect((await cancel({})).status).toBe(202);
});

test('no answer allows another site, and all have the headers of safety', async () => {
  const { get, ask } = await world();
  for (const response of [
    await get('/api/v1/runs', { headers: { origin: 'https://evil.example' } }),
    await get('/nothing'),
    await get('/api/v1/runs', { as: null }),
    await ask('OPTIONS', '/api/v1/runs', { headers: { 'access-control-request-method': 'POST' } }),
  ]) {
    expect([...response.headers.keys()].filter((name) => name.startsWith('access-control'))).toEqual([]);
    expect(response.headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(response.headers.get('x-content-type-options')).toBe('nosniff');
    expect(response.headers.get('referrer-policy')).toBe('no-referrer');
    expect(response.headers.get('cross-origin-opener-policy')).toBe('same-origin');
  }
});

test('a token in the URL is refused, and not repeated', async () => {
  const { admin, get, logger } = await world();
  for (const name of ['access_token', 'token', 'authorization']) {
    const response = await get(`/api/v1/runs?${name}=${admin}`, { as: null });
    expect(response.status).toBe(401);
    const known = await get(`/api/v1/runs?${name}=${admin}`);
    expect(known.status).toBe(400);
    expect(await known.text()).not.toContain(admin);
  }
  expect(JSON.stringify(logger.lines)).not.toContain(admin);
});

test('a user whom a trusted proxy names has the scopes of its role, and no one else can name one', async () => {
  const proxy = {
    from: ['10.0.0.0/8', '::1'],
    roles: { viewer: ['*@example.org'], operator: ['ops-*'], admin: ['root'] },
  };
  const { app } = await world({ serve: { limits: generous, proxy } });
  const by = async (user: string, remoteAddress: string, method = 'GET', path = '/api/v1/runs') =>
    (
      await app.request(
        `http://127.0.0.1:8811${path}`,
        { method, headers: { host: '127.0.0.1:8811', 'x-forwarded-user': user } },
        { incoming: { socket: { remoteAddress } } },
      )
    ).status;
  expect(await by('ann@example.org', '10.2.3.4')).toBe(200);
  expect(await by('ann@example.org', '::ffff:10.2.3.4')).toBe(200);
  expect(await by('ann@example.org', '::1')).toBe(200);
  expect(await by('ann@example.org', '11.2.3.4')).toBe(401);
  expect(await by('stranger', '10.2.3.4')).toBe(401);
  expect(await by('ann@example.org', '10.2.3.4', 'POST', '/api/v1/runs/x:cancel')).toBe(403);
  expect(await by('ops-1', '10.2.3.4', 'POST', '/api/v1/runs/x:cancel')).toBe(404);
  expect(await by('ops-1', '10.2.3.4', 'GET', '/api/v1/tokens')).toBe(403);
  expect(await by('root', '10.2.3.4', 'GET', '/api/v1/tokens')).toBe(200);
});

test('addresses and networks are understood', () => {
  expect(splitBind('[::1]:0')).toEqual({ host: '::1', port: 0 });
  expect(splitBind('0.0.0.0:80')).toEqual({ host: '0.0.0.0', port: 80 });
  for (const wrong of ['', '80', ':80', 'a:b', 'a:70000']) expect(() => splitBind(wrong), wrong).toThrow(/no address/);
  expect(['127.0.0.1', '127.9.9.9', '::1', 'localhost'].every(isLoopback)).toBe(true);
  expect(['0.0.0.0', '::', '10.0.0.1', '128.0.0.1', 'localhost.evil', '127.evil'].some(isLoopback)).toBe(false);
  for (const wrong of ['10.0.0.0/33', 'x', '10.0.0.0/', '::/129']) expect(() => networks([wrong]), wrong).toThrow();
  expect(networks(['192.168.0.0/16'])('192.168.9.9')).toBe(true);
  expect(networks(['192.168.0.0/16'])('192.169.0.1')).toBe(false);
  expect(networks([])('127.0.0.1')).toBe(false);
});

test('each write is in the audit log with its author and its outcome', async () => {
  const { ask, run, store, token } = await world();
  const { name } = await run();
  const as = await token(['runs:write']);
  await ask('POST', `/api/v1/runs/${name}:cancel`, { as });
  await ask('POST', '/api/v1/runs', { as, body: { pipeline: 'alpha' } });
  await ask('POST', '/api/v1/runs', { as, body: { pipeline: 'nothing' } });
  await ask('GET', '/api/v1/tokens', { as });
  await ask('GET', `/api/v1/runs/${name}`, { as });
  const entries = (await store.audit({ limit: 9 })).map(({ by, action, target, status }) => [
    by,
    action,
    target,
    status,
  ]);
  const started = entries[3]?.[2];
  expect(entries).toEqual([
    ['runs:write', 'GET /api/v1/runs/{run}', name, 403],
    ['runs:write', 'GET /api/v1/tokens', undefined, 403],
    ['runs:write', 'POST /api/v1/runs', undefined, 404],
    ['runs:write', 'POST /api/v1/runs', started, 201],
    ['runs:write', 'POST /api/v1/runs/{run}:cancel', name, 202],
  ]);
  expect(started).toMatch(/^\d{8}-/);
});

test('the secret of a token is compared, not its id alone', async () => {
  const { get, store } = await world();
  const made = () => newToken({ name: 'n', scopes: ['admin'], pipelines: ['*'], by: 'me' }, 5);
  const [mine, forged] = [made(), made()];
  // The forged text has the id of a token in the store, a right checksum, and another secret.
  await store.addToken({ ...mine.token, id: forged.token.id });
  expect((await get('/api/v1/runs', { as: forged.text })).status).toBe(401);
});
