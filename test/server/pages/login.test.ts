import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { sealSession, sessionMs } from '../../../controller/app/access/session.ts';
import { ownPath } from '../../../controller/server/pages/frame/view.ts';
import { bindings, browser, form } from './browser.ts';

describe('the login', () => {
  test('a browser without a session is led to the login, and back to where it wanted to go', async () => {
    const { visit, server } = await browser({ isLoggedIn: false });
    const sent = await visit('/runs?state=failed&state=running');
    expect([sent.status, sent.headers.get('location')]).toEqual([
      303,
      `/login?to=${encodeURIComponent('/runs?state=failed&state=running')}`,
    ]);
    const page = await (await visit(sent.headers.get('location') ?? '')).text();
    expect(page).toContain('name="to" value="/runs?state=failed&amp;state=running"');
    const entered = await visit('/login', form({ token: ` ${server.admin}\n`, to: '/runs?state=failed' }));
    expect([entered.status, entered.headers.get('location')]).toEqual([303, '/runs?state=failed']);
    expect((await visit('/')).status).toBe(200);
    expect((await server.store.audit({ limit: 10 })).length).toBe(0);
  });

  test('the cookie is for scripts of no site, for this host alone when TLS says so, and is not the token', async () => {
    const { visit, server } = await browser({ isLoggedIn: false, serve: { proxy: { from: ['10.0.0.0/8'] } } });
    const plain = await visit('/login', form({ token: server.admin }));
    const cookie = plain.headers.get('set-cookie') ?? '';
    expect(cookie).toMatch(/^sluice-session=[^;]+; Path=\/; Max-Age=43200; SameSite=Strict; HttpOnly$/);
    const tls = { ...form({ token: server.admin }), headers: { 'x-forwarded-proto': 'https' } };
    const secure = (await visit('/login', { ...tls, ...bindings('10.1.2.3') })).headers.get('set-cookie') ?? '';
    expect(secure).toMatch(/^__Host-sluice-session=[^;]+; Path=\/; Max-Age=43200; SameSite=Strict; HttpOnly; Secure$/);
    // Only a trusted proxy says so.
    expect((await visit('/login', tls)).headers.get('set-cookie')).toMatch(/^sluice-session=/);
    const [, , secret = ''] = /^slu_(\w{8})_(\w{43})/.exec(server.admin) ?? [];
    expect(secret).not.toBe('');
    for (const text of [cookie, secure, Buffer.from(cookie.split('.')[2] ?? '', 'base64url').toString('latin1')])
      expect(text).not.toContain(secret);
  });

  test('a session ends with its time, with its token, and when it was changed', async () => {
    let now = Date.now();
    const { visit, server, session } = await browser({ more: { now: () => now } });
    const status = async (cookie: string) => (await visit('/', { cookie })).status;
    expect(await status(`sluice-session=${session}`)).toBe(200);
    const [id = '', expires = '', sealed = ''] = session.split('.');
    const changed = `${sealed.slice(0, -2)}${sealed.endsWith('AA') ? 'BB' : 'AA'}`;
    for (const wrong of [`${id}.${Number(expires) + 1}.${sealed}`, `${id}.${expires}.${changed}`, `${id}.${expires}.`])
      expect(await status(`sluice-session=${wrong}`), wrong).toBe(303);
    now += sessionMs - 1000;
    expect(await status(`sluice-session=${session}`)).toBe(200);
    now += 2000;
    const over = await visit('/', { cookie: `sluice-session=${session}` });
    expect([over.status, over.headers.get('set-cookie')]).toEqual([
      303,
      'sluice-session=; Path=/; Max-Age=0; SameSite=Strict; HttpOnly',
    ]);
    now -= sessionMs;
    expect(await status(`sluice-session=${session}`)).toBe(200);
    await server.store.revokeToken(id, now);
    expect(await status(`sluice-session=${session}`)).toBe(303);
  });

  test('a copy of the store alone makes no session', async () => {
    const { visit, server, session } = await browser({});
    const token = await server.store.token(session.split('.')[0] ?? '');
    const forged = sealSession(token ?? { id: '', hash: '' }, 'x'.repeat(43), Date.now() + 60_000);
    expect((await visit('/', { cookie: `sluice-session=${forged}` })).status).toBe(303);
    const [, secret = ''] = /^slu_\w{8}_(\w{43})/.exec(server.admin) ?? [];
    const real = sealSession(token ?? { id: '', hash: '' }, secret, Date.now() + 60_000);
    expect((await visit('/', { cookie: `sluice-session=${real}` })).status).toBe(200);
  });

  test('a session is no longer than its token, and a session of one project opens no other', async () => {
    const { visit, server, session } = await browser({});
    const short = await server.token(['read'], ['*'], { expires: Date.now() + 60_000 });
    const [, seconds] =
      /Max-Age=(\d+)/.exec((await visit('/login', form({ token: short }))).headers.get('set-cookie') ?? '') ?? [];
    expect(Number(seconds)).toBeGreaterThan(50);
    expect(Number(seconds)).toBeLessThanOrEqual(60);
    const cookie = `sluice-session=${session}`;
    const other = await browser({ isLoggedIn: false });
    expect((await other.visit('/', { cookie })).status).toBe(303);
    // Another server of the same store takes it.
    const second = await browser({ isLoggedIn: false, store: server.store });
    expect((await second.visit('/', { cookie })).status).toBe(200);
  });

  test('a wrong token is refused on the page, and is in the audit log without its text', async () => {
    const { visit, server } = await browser({ isLoggedIn: false });
    const wrong = `${server.admin.slice(0, -6)}AAAAAA`;
    const answer = await visit('/login', form({ token: wrong, to: '/runs' }));
    expect([answer.status, answer.headers.get('set-cookie')]).toEqual([401, null]);
    expect(await answer.text()).toContain('This token is not valid.');
    const audit = await server.store.audit({ limit: 10 });
    expect(audit).toMatchObject([{ by: 'unknown', action: 'POST /login', status: 401 }]);
    expect(JSON.stringify([audit, server.logger.lines])).not.toContain(wrong.slice(14));
  });

  test.each([
    '//evil.example',
    'https://evil.example/',
    '/\\evil.example',
    '/\t/evil.example',
    '/.//evil.example',
    '/runs/..//evil.example',
    'javascript:alert(1)',
    '/runs\r\nset-cookie: a=b',
    `/${'x'.repeat(3000)}`,
    'runs',
  ])('the login leads to no other site: %j', async (to) => {
    const { visit, server } = await browser({ isLoggedIn: false });
    expect(ownPath(to)).toBe('/');
    const answer = await visit('/login', form({ token: server.admin, to: to.slice(0, 1999) }));
    expect(new URL(answer.headers.get('location') ?? '', 'http://127.0.0.1:8811').host).toBe('127.0.0.1:8811');
    expect(ownPath('/runs?q=a%0d%0ab&state=failed#x')).toBe('/runs?q=a%0d%0ab&state=failed');
  });

  test('logging out removes the cookie', async () => {
    const { visit } = await browser({});
    const answer = await visit('/logout', form({}));
    expect([answer.status, answer.headers.get('location'), answer.headers.get('set-cookie')]).toEqual([
      303,
      '/login',
      'sluice-session=; Path=/; Max-Age=0; SameSite=Strict; HttpOnly',
    ]);
  });

  test('without a login, or behind a proxy that names users, pages open at once', async () => {
    const open = await browser({ isLoggedIn: false, serve: { auth: 'none' } });
    expect((await open.visit('/')).status).toBe(200);
    expect((await open.visit('/', { cookie: 'sluice-session=old' })).status).toBe(200);
    const proxy = { from: ['10.0.0.0/8'], roles: { viewer: ['anna'] } };
    const behind = await browser({ isLoggedIn: false, serve: { proxy } });
    const as = { headers: { 'x-forwarded-user': 'anna' }, ...bindings('10.1.2.3') };
    expect(await (await behind.visit('/', as)).text()).toContain('anna');
    expect((await behind.visit('/', { headers: as.headers })).status).toBe(303);
    expect(await behind.server.store.audit({ limit: 5 })).toEqual([]);
    // Without a role one is refused, which is noted.
    expect((await behind.visit('/', { ...as, headers: { 'x-forwarded-user': 'eve' } })).status).toBe(303);
    expect(await behind.server.store.audit({ limit: 5 })).toMatchObject([{ action: 'GET /', status: 401 }]);
  });
});

describe('requests of other sites', () => {
  const post = (headers: Record<string, string>) => ({ ...form({}), origin: null, headers });
  test.each([
    ['another origin', { origin: 'https://evil.example' }],
    ['another site', { 'sec-fetch-site': 'cross-site', origin: 'http://127.0.0.1:8811' }],
    ['a sibling', { 'sec-fetch-site': 'same-site' }],
    ['an opaque origin', { origin: 'null' }],
    ['another port', { origin: 'http://127.0.0.1:8812' }],
    ['no origin at all', {}],
  ])('a form of %s is refused, with a valid session', async (_, headers) => {
    const { visit, server } = await browser({});
    for (const path of ['/logout', '/login', '/preferences']) {
      const answer = await visit(path, post(headers));
      expect([answer.status, answer.headers.get('set-cookie')], path).toEqual([403, null]);
    }
    expect(await server.store.list({ limit: 1 })).toEqual([]);
  });

  test('a link of another site leads to a page that goes on by itself, and shows nothing else', async () => {
    const { visit } = await browser({});
    const headers = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' };
    const answer = await visit('/runs?state=failed', { headers });
    const page = await answer.text();
    expect(answer.status).toBe(403);
    expect(page).toContain('<a href="/runs?state=failed" data-continue>');
    expect(page).not.toContain('Log out');
    // An image or a frame of another site is no such thing.
    const framed = await visit('/runs', { headers: { ...headers, 'sec-fetch-mode': 'no-cors' } });
    expect([framed.status, (await framed.text()).includes('data-continue')]).toEqual([403, false]);
  });

  test('the session opens reads of the API, and none of its writes', async () => {
    const { visit, server } = await browser({});
    expect((await visit('/api/v1/runs')).status).toBe(200);
    const headers = { 'content-type': 'application/json', 'sec-fetch-site': 'same-origin' };
    const answer = await visit('/api/v1/runs', { method: 'POST', body: '{"pipeline":"alpha"}', headers });
    expect(answer.status).toBe(401);
    expect(await server.store.list({ limit: 1 })).toEqual([]);
  });
});

test('the language is the chosen one, or the best that the browser takes', async () => {
  const { visit } = await browser({});
  const lang = async (headers: Record<string, string>, cookie?: string) =>
    /<html lang="(\w+)"/.exec(await (await visit('/', { headers, ...(cookie && { cookie }) })).text())?.[1];
  expect(await lang({})).toBe('en');
  expect(await lang({ 'accept-language': 'de, ru;q=0.8, en;q=0.7' })).toBe('ru');
  expect(await lang({ 'accept-language': 'ru-RU;q=0.1, en-GB' })).toBe('en');
  expect(await lang({ 'accept-language': 'ru;q=0' })).toBe('en');
  const set = await visit('/preferences', form({ language: 'ru', theme: 'dark', clock: 'utc', to: '/runs?q=a' }));
  expect([set.status, set.headers.get('location')]).toEqual([303, '/runs?q=a']);
  const cookies = set.headers.getSetCookie();
  expect(cookies.map((each) => each.split(';')[0])).toEqual([
    'sluice-language=ru',
    'sluice-theme=dark',
    'sluice-clock=utc',
  ]);
  const page = await (await visit('/')).text();
  expect(page).toContain('<html lang="ru" data-theme="dark" data-clock="utc">');
  expect(page).toContain('Нужен человек');
  expect((await visit('/preferences', form({ language: 'de' }))).status).toBe(400);
});

test('the style and the module are small, and browsers keep them', async () => {
  const { visit } = await browser({ isLoggedIn: false });
  const page = await (await visit('/login')).text();
  const [style = '', script = ''] = [...page.matchAll(/(?:href|src)="(\/assets\/[^"]+)"/g)].map(([, path]) => path);
  for (const [path, most] of [
    [style, 12_000],
    [script, 8_000],
  ] as const) {
    const answer = await visit(path);
    expect([answer.status, answer.headers.get('cache-control')]).toEqual([200, 'public, max-age=31536000, immutable']);
    expect(gzipSync(await answer.text()).length).toBeLessThan(most);
    const old = await visit(path.replace(/-[0-9a-f]{12}/, '-000000000000'));
    expect([old.status, old.headers.get('cache-control')]).toEqual([200, 'no-store']);
  }
});
