import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { SMTPServer } from 'smtp-server';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { addressOf, splitLogin, stackLogin } from '../../controller/config/login.ts';
import { postgresPasswordFile } from '../../controller/config/project.ts';
import { alerting, refusing, served } from './alerting.ts';
import { answers, canary, dump, filesBelow, needles, Watch } from './leaks.ts';
import { folder, otherProject, project, query, type RunDocument, smallPipeline, start } from './world.ts';

/**
 * Puts secrets in every possible place, with characters that each format writes differently. After a run that succeeds
 * and one that fails, it searches everything that was written, answered, sent and listed.
 */

const here = await project();
const env = {
  SHOP_PW: canary('shop'),
  STORE_PW: canary('store'),
  KAFKA_PW: canary('kafka'),
  MAIL_PW: canary('mail'),
  LIVY_PW: canary('livy'),
  PATH_TOKEN: canary('path').replace(/[#?]/g, ''),
  QUERY_TOKEN: canary('query').replace('#', ''),
  HEADER_TOKEN: canary('header').replace('é', ''),
  BODY_TOKEN: canary('body'),
  S3_KEY: canary('s3'),
  DSN: canary('dsn'),
  SLACK_HOOK: canary('slack').replace(/[#?]/g, ''),
  WEBHOOK_SECRET: canary('webhook'),
  PAGER_KEY: canary('pager'),
  MANAGER_PW: canary('manager'),
  WATCHDOG: canary('watchdog').replace(/[#?]/g, ''),
  AWS_ACCESS_KEY_ID: canary('aws-id'),
  AWS_SECRET_ACCESS_KEY: canary('aws-key'),
  AWS_SESSION_TOKEN: canary('aws-token'),
  SLUICE_DEBUG: '1',
};
const heard = {
  api: '',
  mails: [] as string[],
  mailLogins: new Set<string>(),
  livyLogins: new Set<string>(),
  said: '',
};
let calls = 0;

/** An API that fails once, then returns all it received, in the forms that APIs use. */
const api = createServer((request, response) => {
  let body = '';
  request.on('data', (chunk: Buffer) => {
    body += chunk.toString();
  });
  request.on('end', () => {
    const got = { url: request.url, headers: request.headers, body };
    heard.api += decodeURIComponent(request.url ?? '') + JSON.stringify(request.headers) + body;
    const all = [env.PATH_TOKEN, env.QUERY_TOKEN, env.HEADER_TOKEN, env.BODY_TOKEN].join(' ');
    const echo = { got, parsed: body === '' ? null : JSON.parse(body), encoded: encodeURIComponent(all), all };
    calls += 1;
    if (request.url?.startsWith('/refuse')) response.writeHead(403).end(`${all} ${encodeURIComponent(all)}`);
    else if (calls === 1) response.writeHead(500).end(JSON.stringify(echo));
    else response.writeHead(200).end(JSON.stringify({ ...echo, nested: JSON.stringify(echo) }));
  });
});
const channels = refusing();
const smtp = new SMTPServer({
  disabledCommands: ['STARTTLS'],
  allowInsecureAuth: true,
  onAuth({ username, password }, _session, done) {
    heard.mailLogins.add(`${username} ${password}`);
    done(null, { user: 'x' });
  },
  onData(stream, _session, done) {
    const chunks: Buffer[] = [];
    stream
      .on('data', (chunk: Buffer) => chunks.push(chunk))
      .on('end', () => {
        // Without the soft line breaks of quoted-printable, which could split a secret.
        heard.mails.push(
          Buffer.concat(chunks)
            .toString()
            .replace(/=\r?\n/g, ''),
        );
        done();
      });
  },
});
/** Livy behind a gateway that requires its own login. */
const gateway = createServer((request, response) => {
  heard.livyLogins.add(request.headers.authorization ?? '');
  const { url, headers } = splitLogin(addressOf(here, 'livy'));
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', async () => {
    const { host: _, authorization: __, connection: ___, ...rest } = request.headers;
    const answer = await fetch(url + request.url, {
      method: request.method ?? 'GET',
      headers: { ...(rest as Record<string, string>), ...headers },
      ...(chunks.length > 0 ? { body: Buffer.concat(chunks) } : {}),
    });
    response.writeHead(answer.status, { 'content-type': 'application/json' }).end(await answer.text());
  });
});
const portOf = (server: { address(): unknown }): number => (server.address() as AddressInfo).port;
const listen = (server: { listen(port: number, host: string, done: () => void): unknown }): Promise<void> =>
  new Promise((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
const find = needles([
  stackLogin(here.home)?.password ?? '',
  readFileSync(postgresPasswordFile(here.home), 'utf8').trim(),
]);
const watch = new Watch(here.home, find);

beforeAll(async () => {
  for (const server of [api, smtp, gateway, channels.server]) await listen(server);
  for (const [role, password] of [
    ['canary_shop', env.SHOP_PW],
    ['canary_store', env.STORE_PW],
  ] as const)
    await query(`CREATE ROLE ${role} SUPERUSER LOGIN PASSWORD '${password.replaceAll("'", "''")}'`);
});
afterAll(() => {
  watch.stop();
  for (const server of [api, gateway, channels.server]) {
    server.closeAllConnections();
    server.close();
  }
  smtp.close(() => undefined);
});

/** A project whose conf/ takes every secret from the environment. */
const projectWith = (name: string, livy: string): Promise<string> =>
  otherProject(name, (text) => {
    const at = (role: string, database: string) =>
      `"postgres://${role}@127.0.0.1:${new URL(here.endpoints.postgres).port}/${database}"`;
    return `${text}\n${alerting(portOf(channels.server))}`
      .replace('shop: { database: shop }', `shop: { url: ${at('canary_shop', 'shop')}, password: "\${SHOP_PW}" }`)
      .replace(
        'store: { database: sluice }',
        `store: { url: ${at('canary_store', 'sluice')}, password: "\${STORE_PW}" }`,
      )
      .replace('  shop: {}', '  shop: { sasl: { mechanism: PLAIN, user: me, password: "${KAFKA_PW}" } }')
      .replace('spark: {}', `spark: ${livy}`)
      .replace(
        'mail:\n',
        `mail:\n  url: smtp://127.0.0.1:${portOf(smtp.server)}\n  user: me\n  password: "\${MAIL_PW}"\n`,
      );
  });

const conf = `conf: { spark.hadoop.fs.s3a.secret.key: "\${S3_KEY}", spark.myapp.dsn: "\${DSN}", spark.driver.host: 127.0.0.1,
      spark.driver.bindAddress: 127.0.0.1, spark.ui.port: "0" }`;
const asks = (path: string): string => `  tell:
    http:
      url: http://127.0.0.1:${portOf(api)}/${path}/\${PATH_TOKEN}?t=\${QUERY_TOKEN}
      method: POST
      headers: { x-token: "\${HEADER_TOKEN}" }
      body: { token: "\${BODY_TOKEN}" }
    retry: { maximumAttempts: 2, initialInterval: 100ms }`;
const outputs = (name: string): string => `      - { postgres: shop, schema: ${name}, views: [result] }
      - { csv: data/published/${name}, views: [result] }`;

test('secrets are in no file, table, argument list, environment, answer, mail, page or output of a run', async () => {
  const good = await projectWith('secretive', '{}');
  const login = `livyUser: me, livyPassword: "\${LIVY_PW}"`;
  const behind = await projectWith('behind', `{ livy: "http://127.0.0.1:${portOf(gateway)}", ${login} }`);
  const spark = `executorMemory: 512m, driverMemory: 512m, ${conf}`;
  const sql = "CREATE OR REPLACE TEMP VIEW result AS SELECT id, note, 'planted-value' AS planted FROM small";
  const succeeds = await smallPipeline('succeeds', { spark, sql, outputs: outputs('succeeds'), extra: asks('echo') });
  const wrong = 'CREATE OR REPLACE TEMP VIEW result AS SELECT id, raise_error(note) AS note FROM small';
  const fails = await smallPipeline('fails', { spark, sql: wrong, outputs: outputs('fails'), extra: asks('refuse') });
  watch.begin();
  const command = async (
    root: string,
    ...args: string[]
  ): Promise<{ exitCode: number | undefined; stdout: string }> => {
    const child = start(args, env, root);
    watch.except(child.pid);
    const { exitCode, stdout, stderr } = await child;
    heard.said += `${args.join(' ')}\n${stdout}\n${stderr}\n`;
    return { exitCode, stdout };
  };
  const [first, second] = [
    await command(good, 'run', succeeds, '--json'),
    await command(behind, 'run', fails, '--json'),
  ];
  expect([first.exitCode, second.exitCode], heard.said).toEqual([0, 1]);
  const [before, after] = [first, second].map(({ stdout }) => (JSON.parse(stdout) as RunDocument).run);
  const further = [
    'plan FILE',
    'runs',
    'status',
    'doctor',
    'logs A',
    'logs B',
    'show A',
    'show A --json',
    'show B',
    'diff A B',
    'normal A',
    'lineage A',
    'lineage B',
    'trace A',
    'trace B',
  ];
  const words: Record<string, string | undefined> = { FILE: succeeds, A: before, B: after };
  for (const line of further) await command(good, ...line.split(' ').map((word) => words[word] ?? word));
  const pages = await served(behind, env, after ?? '', (pid) => watch.except(pid));
  const mistaken = start(['runs'], { ...env, STORE_PW: canary('mistaken') }, good);
  watch.except(mistaken.pid);
  heard.said += (await mistaken).stderr;
  watch.stop();

  // Proves that each secret was used at its destination.
  for (const name of ['PATH_TOKEN', 'QUERY_TOKEN', 'HEADER_TOKEN'] as const)
    expect(heard.api).toContain(env[name].slice(0, 12));
  expect(heard.mailLogins).toEqual(new Set([`me ${env.MAIL_PW}`]));
  expect(heard.livyLogins).toEqual(new Set([`Basic ${Buffer.from(`me:${env.LIVY_PW}`).toString('base64')}`]));
  expect(heard.said).toContain('"eventType": "FAIL"');
  expect(heard.mails).toHaveLength(2);
  expect(channels.heard.join('\n')).toContain(JSON.stringify(env.PAGER_KEY).slice(1, -1));
  for (const path of ['/hooks/', '/events', '/v2/enqueue', '/api/v2/alerts', '/beat/'])
    expect(
      channels.heard.some((each) => each.startsWith(path)),
      path,
    ).toBe(true);
  expect(pages).toContain('answered 403');
  expect([...watch.private]).toEqual(expect.arrayContaining(['pgpass', 'secrets.json']));

  const places: Record<string, string[]> = {
    'what commands said': [heard.said],
    'what a server said, and its pages': [pages],
    mails: heard.mails,
    'the store': await dump('sluice'),
    'the shop': await dump('shop'),
    'answers of the stack': await answers(here.endpoints, [before ?? '', after ?? '']),
  };
  const hits = [
    ...watch.hits,
    ...Object.entries(places).flatMap(([place, texts]) =>
      texts.flatMap((text) => find(text).map((hit) => `${place}: ${hit}`)),
    ),
  ];
  const files = await filesBelow(join(folder, '..'), (path) => path.startsWith(join(here.home, 'secrets')));
  for (const { path, text } of files) hits.push(...find(text).map((hit) => `${path}: ${hit}`));
  expect(hits).toEqual([]);

  // Proves that the search covers the real texts.
  for (const [place, texts] of Object.entries(places))
    expect(texts.join('\n'), place).toMatch(/planted|succeeds|fails/);
  expect(places['answers of the stack']?.join('\n')).toContain('spark.redaction.regex');
  const holding = files.filter(({ text }) => text.includes('planted')).map(({ path }) => path);
  for (const where of [/data\/published/, /event/, /job\.json$/])
    expect(holding).toContainEqual(expect.stringMatching(where));
  expect(watch.seen).toContain('sluice.runner.Runner');
});
