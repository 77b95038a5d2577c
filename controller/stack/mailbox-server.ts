import { randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { type ParsedMail, simpleParser } from 'mailparser';
import { SMTPServer } from 'smtp-server';
import { stackLogin, stackSecretFile } from '../config/login.ts';
import { html } from '../lib/html.ts';
import { refusal } from './mailbox-door.ts';

/** The mailbox process: `node mailbox-server.js SMTP_PORT HTTP_PORT HOME`. Each mail is a file in HOME/data/mailbox. */
const [smtpPort, httpPort, home] = process.argv.slice(2) as [string, string, string];
const folder = join(home, 'data', 'mailbox');
const login = stackLogin(home);
if (!login) throw new Error(`there is no ${stackSecretFile(home)}`);
await mkdir(folder, { recursive: true, mode: 0o700 });

/** Bytes. A whole mail is held in memory. */
const largestMail = 25 << 20;

const smtp = new SMTPServer({
  authOptional: true,
  disabledCommands: ['STARTTLS'],
  logger: false,
  size: largestMail,
  onData(stream, _session, done) {
    const chunks: Buffer[] = [];
    stream.on('data', (chunk: Buffer) => {
      if (!stream.sizeExceeded) chunks.push(chunk);
    });
    stream.on('end', () => {
      if (stream.sizeExceeded) {
        const refused = new Error(`a mail may have at most ${largestMail >> 20} MiB`);
        done(Object.assign(refused, { responseCode: 552 }));
      } else store(Buffer.concat(chunks)).then(() => done(), done);
    });
  },
});
smtp.on('error', (error) => console.error(`smtp: ${error.message}`));
smtp.listen(Number(smtpPort), '127.0.0.1');

/** A mail is accepted once its complete file has its final name. */
async function store(mail: Buffer): Promise<void> {
  const name = `${new Date().toISOString().replaceAll(':', '-')}-${randomUUID().slice(0, 8)}.eml`;
  await writeFile(join(folder, `${name}.part`), mail);
  await rename(join(folder, `${name}.part`), join(folder, name));
}

interface Listed {
  readonly name: string;
  readonly mail: ParsedMail;
}

async function mails(): Promise<Listed[]> {
  const names = (await readdir(folder))
    .filter((name) => name.endsWith('.eml'))
    .sort()
    .reverse();
  return Promise.all(
    names.slice(0, 200).map(async (name) => ({ name, mail: await simpleParser(await readFile(join(folder, name))) })),
  );
}

const addresses = (to: ParsedMail['to']): string =>
  [to ?? []]
    .flat()
    .map((each) => each.text)
    .join(', ');

const page = (listed: readonly Listed[]): string =>
  html`<!doctype html><html lang="en"><meta charset="utf-8"><meta http-equiv="refresh" content="10"><title>Mailbox</title>
<style>body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:60rem;padding:0 1rem;color:#1c2733}
h1{font-weight:600}a{color:#0b63ce;text-decoration:none}td{padding:.4rem .8rem .4rem 0;border-bottom:1px solid #e3e8ee}</style>
<h1>Mailbox</h1><p>${listed.length === 0 ? 'No mail yet.' : `${listed.length} mails, the newest first.`}</p>
<table>${listed.map(({ name, mail }) => html`<tr><td>${mail.date?.toISOString().slice(0, 19).replace('T', ' ')}<td>${addresses(mail.to)}<td><a href="/mails/${name}">${mail.subject}</a>`)}</table></html>`
    .text;

/** Pages run no scripts and load nothing from other servers. */
const policy =
  "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const headers = {
  'content-security-policy': policy,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-store',
};

createServer(async (req, res) => {
  const send = (status: number, type: string, body: string): void => {
    for (const [name, value] of Object.entries(headers)) if (!res.hasHeader(name)) res.setHeader(name, value);
    res.writeHead(status, { 'content-type': `${type}; charset=utf-8` }).end(body);
  };
  const refused = refusal(req, login);
  if (refused === 401) res.setHeader('www-authenticate', 'Basic realm="Sluice local stack", charset="UTF-8"');
  if (refused !== undefined) return send(refused, 'text/plain', 'log in as described by `sluice status`');
  try {
    const path = decodeURIComponent((req.url ?? '/').split('?', 1)[0] ?? '/');
    if (path === '/') return send(200, 'text/html', page(await mails()));
    if (path === '/mails.json') {
      const all = (await mails()).map(({ name, mail }) => ({
        name,
        id: mail.messageId,
        date: mail.date,
        to: addresses(mail.to),
        subject: mail.subject,
        text: mail.text,
      }));
      return send(200, 'application/json', JSON.stringify(all));
    }
    const name = /^\/mails\/([\w.-]+\.eml)$/.exec(path)?.[1];
    if (name === undefined) return send(404, 'text/plain', 'not found');
    const mail = await simpleParser(await readFile(join(folder, name)));
    // A mail has no rights of this origin either. Its links work.
    res.setHeader('content-security-policy', `sandbox allow-popups allow-popups-to-escape-sandbox; ${policy}`);
    return send(200, 'text/html', typeof mail.html === 'string' ? mail.html : html`<pre>${mail.text}</pre>`.text);
  } catch (error) {
    return send(404, 'text/plain', (error as Error).message);
  }
}).listen(Number(httpPort), '127.0.0.1');

for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => process.exit(0));
