import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, expect, test } from 'vitest';
import { namedStore, openStore } from '../../controller/app/open-store.ts';
import { connectionsSchema } from '../../controller/config/connections.ts';
import { type Project, postgresPasswordFile } from '../../controller/config/project.ts';

const folder = mkdtempSync(join(tmpdir(), 'sluice-open-'));
afterAll(() => rmSync(folder, { recursive: true }));
let home = '';
beforeEach(() => {
  home = mkdtempSync(join(folder, 'home-'));
});

const project = (conf: object = {}, elsewhere: object = {}): Project =>
  ({
    name: 'shop',
    root: folder,
    home,
    connections: connectionsSchema().parse(conf),
    stack: { elsewhere },
    // No server listens on port 1.
    endpoints: { postgres: 'postgres://sluice@127.0.0.1:1' },
  }) as never;

function makeStack(): void {
  mkdirSync(join(home, 'secrets'));
  writeFileSync(postgresPasswordFile(home), 'secret');
}
async function runOf(of: Project): Promise<void> {
  const store = await openStore(of);
  await store.create({ run: 'r1', pipeline: 'p', at: 1, events: [] });
  await store.close();
}

test('a project without a server keeps its runs in a file of its home', async () => {
  await runOf(project());
  expect(existsSync(join(home, 'store.db'))).toBe(true);
  const store = await openStore(project());
  expect((await store.list({ limit: 9 })).map(({ run }) => run)).toEqual(['r1']);
  await store.close();
});

test('a project whose conf/ names a file keeps its runs there', async () => {
  await runOf(project({ store: { sqlite: 'elsewhere/runs.db' } }));
  expect(existsSync(join(folder, 'elsewhere', 'runs.db'))).toBe(true);
  expect(existsSync(join(home, 'store.db'))).toBe(false);
});

test('a project with a server uses its store, and fails when the server does not respond', async () => {
  const away = { kind: 'unavailable', message: expect.stringContaining('127.0.0.1:1') };
  await expect(openStore(project({ store: { database: 'sluice' } }))).rejects.toMatchObject(away);
  await expect(openStore(project({}, { postgres: 'x' }))).rejects.toMatchObject(away);
  makeStack();
  await expect(openStore(project())).rejects.toMatchObject(away);
  expect(existsSync(join(home, 'store.db'))).toBe(false);
});

test('an embedded store with runs stays in use when the local stack is created later', async () => {
  await runOf(project());
  makeStack();
  const store = await openStore(project());
  expect(await store.list({ limit: 9 })).toHaveLength(1);
  await store.close();
  await expect(openStore(project({ store: { database: 'sluice' } }))).rejects.toMatchObject({ kind: 'unavailable' });
});

test('an embedded store without runs does not prevent the use of the server', async () => {
  await (await openStore(project())).close();
  makeStack();
  await expect(openStore(project())).rejects.toMatchObject({ kind: 'unavailable' });
});

test('conf/ cannot name both a file and a server', () => {
  const both = { store: { sqlite: 'x.db', database: 'sluice' } };
  expect(connectionsSchema().safeParse(both).error?.issues[0]).toMatchObject({
    path: ['store'],
    message: 'is either sqlite, or a PostgreSQL server',
  });
  expect(namedStore(project({ store: { url: 'postgres://db.example.org/runs', password: 'p' } }))).toMatchObject({
    host: 'db.example.org',
    database: 'runs',
  });
});
