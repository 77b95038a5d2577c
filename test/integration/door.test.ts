import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir, readFile, readlink, stat } from 'node:fs/promises';
import { request } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import nodemailer from 'nodemailer';
import { describe, expect, test } from 'vitest';
import { javaBinary } from '../../controller/stack/java.ts';
import { sparkEnv } from '../../controller/stack/spark.ts';
import { endless, login, mails, pidOf, processesWith, project, said, smallPipeline, start } from './world.ts';

const own = await project();
const { endpoints, home, stack } = own;
const isRoot = process.getuid?.() === 0;
if (!isRoot) process.stdout.write('skipped: what another user may do, as only root can act as one\n');

/** Runs a command as another user of this machine. */
const asAnother = (file: string, args: readonly string[], env: Record<string, string> = {}) =>
  execa(file, args, { uid: 65_533, gid: 65_533, cwd: '/', env, reject: false, all: true });
const pages = [
  `${endpoints.livy}/batches`,
  `${endpoints.livy}/sessions`,
  `${endpoints.livy}/ui`,
  `${endpoints.sparkMaster}/json/`,
  `${endpoints.sparkMaster}/app/kill/`,
  `http://127.0.0.1:${stack.ports.sparkWorkerUi}/`,
  `${endpoints.historyServer}/api/v1/applications`,
  `${endpoints.mailbox}/mails.json`,
];
/** The status of a request with these headers; `fetch` cannot send another Host. */
function status(url: string, headers: Record<string, string> = {}, body?: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const options = { headers, method: body === undefined ? 'GET' : 'POST', timeout: 20_000 };
    const sent = request(url, options, (answer) => {
      answer.resume();
      resolve(answer.statusCode ?? 0);
    });
    sent.once('error', reject).once('timeout', () => sent.destroy(new Error(`${url} does not answer`)));
    sent.end(body);
  });
}

test.each(pages)(
  '%s refuses requests without the secret, and those to another name that resolves to this machine',
  async (url) => {
    const right = await login();
    expect(await status(url)).toBe(401);
    expect(await status(url, { authorization: 'Basic c2x1aWNlOg==' })).toBe(401);
    expect(await status(url, { ...right, host: new URL(url).host.replace('127.0.0.1', 'evil.example') })).toBe(421);
    expect(await status(url, { ...right, 'sec-fetch-site': 'cross-site' })).toBe(421);
    expect(await status(url, right)).not.toBe(401);
  },
);

test('Livy accepts a job only with the secret, and not from a page of another site', async () => {
  const right = await login();
  const post = { 'content-type': 'application/json', 'x-requested-by': 'x' };
  const body = JSON.stringify({ name: 'stranger', file: 'local:/nowhere.py' });
  expect(await status(`${endpoints.livy}/batches`, post, body)).toBe(401);
  expect(await status(`${endpoints.livy}/batches`, { ...post, ...right, origin: 'http://evil.example' }, body)).toBe(
    421,
  );
  expect(await status(`${endpoints.livy}/batches/stranger`, right)).toBe(404);
});

test('the UI of a running driver requires the secret, at its own port and through the master', async () => {
  const running = start(['run', await smallPipeline('guarded', { sql: endless })]);
  await said(running, /app-\d+-\d+/);
  const [driver] = await processesWith('java', 'org.apache.spark.deploy.SparkSubmit');
  const cmdline = await readFile(`/proc/${driver}/cmdline`, 'utf8');
  const { activeapps } = (await (await fetch(`${endpoints.sparkMaster}/json/`, { headers: await login() })).json()) as {
    activeapps: { id: string }[];
  };
  const id = activeapps[0]?.id;
  const proxied = `${endpoints.sparkMaster}/proxy/${id}/api/v1/applications/${id}/stages`;
  // An application has its name before its UI has pages: until then Jetty answers 404 at that port.
  while ((await status(proxied, await login())) !== 200) await sleep(200);
  let guarded = 0;
  const open: string[] = [];
  for (const port of await listeners(driver as number)) {
    // The driver's other ports do not speak HTTP.
    const code = await status(`http://127.0.0.1:${port}/api/v1/applications`).catch(() => undefined);
    if (code === 401) guarded += 1;
    else if (code !== undefined) open.push(`${port} answered ${code}`);
  }
  const answers = [await status(proxied), await status(proxied, await login())];
  running.kill('SIGINT');
  await running;
  expect(open).toEqual([]);
  expect(guarded).toBe(1);
  expect(answers).toEqual([401, 200]);
  expect(cmdline).not.toContain('authenticate.secret');
});

test('the secrets are in 0600 files, and in no argument list and no log', async () => {
  const secret = (await readFile(join(home, 'secrets', 'stack'), 'utf8')).trim();
  const spark = createHash('sha256').update(`spark ${secret}`).digest('base64url');
  for (const name of await readdir(join(home, 'secrets')))
    expect((await stat(join(home, 'secrets', name))).mode & 0o777, name).toBe(0o600);
  for (const text of [secret, spark]) {
    const { stdout } = await execa(
      'grep',
      ['-rlF', '--', text, join(home, 'logs'), join(home, 'run'), join(home, 'data')],
      {
        reject: false,
      },
    );
    expect(stdout).toBe('');
    expect((await execa('ps', ['auxww'])).stdout).not.toContain(text);
  }
});

describe.skipIf(!isRoot)('another user of this machine', () => {
  test('cannot enter the home', async () => {
    for (const path of ['secrets/stack', 'runs', 'data/mailbox', 'logs/livy.log']) {
      if (!existsSync(join(home, path))) continue;
      const { exitCode, all } = await asAnother('ls', [join(home, path)]);
      expect(exitCode, all).not.toBe(0);
      expect(all).toContain('Permission denied');
    }
  });
});

test('is refused by the Spark master without the secret', async () => {
  const args = [
    '--host',
    '127.0.0.1',
    '--webui-port',
    '0',
    '-c',
    '1',
    '-m',
    '512m',
    '-d',
    join(home, 'tmp', 'stranger'),
  ];
  const jars = join(sparkEnv(own).SPARK_HOME as string, 'jars', '*');
  const master = `spark://127.0.0.1:${stack.ports.sparkMaster}`;
  const worker = execa(javaBinary(), ['-cp', jars, 'org.apache.spark.deploy.worker.Worker', ...args, master], {
    reject: false,
    all: true,
    extendEnv: false,
    env: { PATH: process.env.PATH ?? '', SPARK_LOCAL_IP: '127.0.0.1' },
    timeout: 60_000,
  });
  const answered = new Promise<void>((resolve) => {
    let text = '';
    worker.all.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      if (/Successfully registered|Failed to connect to master/.test(text)) resolve();
    });
  });
  await Promise.race([answered, worker]);
  worker.kill('SIGKILL');
  const { all } = await worker;
  expect(all).not.toContain('Successfully registered');
  expect(all).toContain('Failed to connect to master');
});

describe('the mailbox', () => {
  const mail = (text: string, html = '') =>
    nodemailer
      .createTransport(endpoints.smtp)
      .sendMail({ from: 'a@example.org', to: 'door@example.org', subject: 'door', text, html });

  test('shows a mail without scripts and without the rights of its own origin', async () => {
    await mail('text', '<script>alert(1)</script>');
    const found = (await mails()).findLast((each) => each.subject === 'door') as unknown as { name: string };
    const shown = await fetch(`${endpoints.mailbox}/mails/${found.name}`, { headers: await login() });
    expect(shown.headers.get('content-security-policy')).toMatch(/^sandbox (?!.*allow-scripts).*default-src 'none'/);
    expect(shown.headers.get('x-content-type-options')).toBe('nosniff');
  });

  test('refuses a mail of more than 25 MiB, announced or not, and continues', async () => {
    await expect(mail('x'.repeat(26 << 20))).rejects.toThrow(/552|too large|exceeds/i);
    const before = await pidOf('mailbox');
    const answer = await unannounced(26 << 20);
    expect(answer).toMatch(/^552 /m);
    await mail('small');
    expect(await pidOf('mailbox')).toBe(before);
  });
});

/** Sends a mail of this size without announcing it. Returns the server's response. */
function unannounced(bytes: number): Promise<string> {
  const body = `${`${'x'.repeat(998)}\r\n`.repeat(Math.ceil(bytes / 1000))}.\r\n`;
  const steps = [
    'EHLO me\r\n',
    'MAIL FROM:<a@example.org>\r\n',
    'RCPT TO:<b@example.org>\r\n',
    'DATA\r\n',
    body,
    'QUIT\r\n',
  ];
  return new Promise((resolve, reject) => {
    const socket = connect(stack.ports.smtp, '127.0.0.1');
    let said = '';
    socket.on('data', (chunk) => {
      said += chunk.toString();
      // The last line of a response has a space after its code.
      if (/^\d{3} .*\r\n$/m.test(chunk.toString())) socket.write(steps.shift() ?? '');
    });
    socket.once('error', reject).once('close', () => resolve(said));
  });
}

/** The TCP ports on which a process listens. */
async function listeners(pid: number): Promise<number[]> {
  const links = (await readdir(`/proc/${pid}/fd`)).map((fd) => readlink(`/proc/${pid}/fd/${fd}`).catch(() => ''));
  const sockets = new Set(await Promise.all(links));
  const tables = await Promise.all(['tcp', 'tcp6'].map((name) => readFile(`/proc/${pid}/net/${name}`, 'utf8')));
  return tables.flatMap((table) =>
    table.split('\n').flatMap((line) => {
      const [, address = '', , state, , , , , , inode] = line.trim().split(/\s+/);
      const listens = state === '0A' && sockets.has(`socket:[${inode}]`);
      return listens ? [Number.parseInt(address.split(':')[1] ?? '', 16)] : [];
    }),
  );
}
