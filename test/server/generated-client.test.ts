import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { serveSchema } from '../../controller/config/serve.ts';
import { httpApp } from '../../controller/server/app.ts';
import { knownHosts } from '../../controller/server/doors/origin.ts';
import { listen } from '../../controller/server/listen.ts';
import { finished, generous, world } from './world.ts';

const root = join(import.meta.dirname, '..', '..');
/** Below the repository, so that the client finds its runtime. */
const folder = join(root, 'node_modules', '.cache', `sluice-client-${process.pid}`);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What the program below prints. */
interface Printed {
  readonly started: { readonly run: string; readonly cause: { readonly key: string } };
  readonly replayed: string | null;
  readonly states: readonly string[];
  readonly refused: { readonly status: number; readonly detail: string };
  readonly unknown: number;
  readonly events: readonly string[];
  readonly tokens: number;
}

test('a client that another program generates from the document works, and its types hold', async () => {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
  const bin = join(root, 'node_modules', '.bin');
  execFileSync(join(bin, 'oazapfts'), [join(root, 'docs', 'openapi.json'), join(folder, 'client.ts'), '--optimistic']);
  writeFileSync(
    join(folder, 'use.ts'),
    `import * as oazapfts from '@oazapfts/runtime';
import * as api from './client.ts';

const [, , baseUrl = '', token = '', ended = ''] = process.argv;
Object.assign(api.defaults, { baseUrl, headers: { authorization: 'Bearer ' + token } });
const failure = (error: unknown) => {
  if (!(error instanceof oazapfts.HttpError)) throw error;
  return { status: error.status, detail: String(error.data.detail) };
};
const body = { pipeline: 'alpha', fullRefresh: true };
const started: api.StartedRun = await api.startRun(body, { idempotencyKey: 'k' });
const again = await fetch(baseUrl + '/api/v1/runs', {
  method: 'POST',
  headers: { authorization: 'Bearer ' + token, 'content-type': 'application/json', 'idempotency-key': 'k' },
  body: JSON.stringify(body),
});
const page = await api.listRuns({ state: ['failed', 'pending'], limit: 10 });
const run: api.Run = await api.getRun(started.run);
const events = await api.getEvents(ended, { after: 1 });
const created = await api.createToken({ name: 'made', scopes: ['read'], pipelines: ['al*'] });
await api.revokeToken(created.id);
const { items } = await api.listTokens();
const refused = await api.cancelRun(ended).then(() => ({ status: 0, detail: '' }), failure);
const unknown = await api.getRun('none').then(() => ({ status: 0 }), failure);
console.log(JSON.stringify({
  started,
  replayed: again.headers.get('idempotency-replayed'),
  states: [run.state, ...page.items.map(({ state }) => state)],
  refused,
  unknown: unknown.status,
  events: events.items.map(({ event }) => event.type),
  tokens: items.filter(({ revoked }) => revoked !== null).length,
}));
`,
  );
  const options = [
    '--ignoreConfig',
    '--strict',
    '--noEmit',
    '--skipLibCheck',
    '--module',
    'nodenext',
    '--target',
    'es2023',
  ];
  const types = ['--lib', 'es2023,dom', '--types', 'node', '--allowImportingTsExtensions'];
  execFileSync(join(bin, 'tsc'), [...options, ...types, 'use.ts'], { cwd: folder, stdio: 'inherit' });

  const { api, logger, admin, run } = await world();
  const { name: ended } = await run('beta', finished.events, finished.entry);
  const settings = serveSchema.parse({ limits: generous });
  const server = await listen(
    (port) => httpApp({ api, settings, logger, isKnownHost: knownHosts('127.0.0.1', port, []) }),
    { host: '127.0.0.1', port: 0 },
    100,
  );
  try {
    const { execFile } = await import('node:child_process');
    const printed = await new Promise<string>((resolve, reject) => {
      const args = ['--import', 'tsx', join(folder, 'use.ts'), server.url, admin, ended];
      execFile(process.execPath, args, { cwd: root }, (error, stdout) => (error ? reject(error) : resolve(stdout)));
    });
    const { started, replayed, states, refused, unknown, events, tokens } = JSON.parse(printed) as Printed;
    expect(started).toMatchObject({ cause: { kind: 'api', key: 'k' } });
    expect([replayed, states]).toEqual(['true', ['pending', 'pending', 'failed']]);
    expect(refused).toEqual({ status: 409, detail: `run ${ended} has ended already: failed` });
    expect([unknown, events, tokens]).toEqual([404, ['run-ended'], 1]);
  } finally {
    await server.stop();
  }
}, 120_000);
