import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';
import { afterAll, expect, test } from 'vitest';
import { emailNotifier } from '../../../controller/adapters/notifiers/email/email.ts';
import { certificates } from '../../certificates.ts';

const folder = mkdtempSync(join(tmpdir(), 'sluice-email-'));
const certs = await certificates(folder);
const servers: SMTPServer[] = [];
afterAll(() => {
  for (const server of servers) server.close(() => undefined);
  rmSync(folder, { recursive: true });
});

function listen(options: SMTPServerOptions): Promise<number> {
  const server = new SMTPServer(options);
  servers.push(server);
  server.on('error', () => undefined);
  return new Promise((resolve) =>
    server.listen(0, '127.0.0.1', () => resolve((server.server.address() as { port: number }).port)),
  );
}

test('a password with any characters is sent to a mail server only over verified TLS', async () => {
  const password = `k "a" \\f; {k}%41#'/`;
  const heard: string[] = [];
  const onAuth: SMTPServerOptions['onAuth'] = ({ username, password: given }, _session, done) => {
    heard.push(`${username} ${given}`);
    done(null, { user: username });
  };
  const secure = await listen({
    ...certs.server,
    onAuth,
    onData: (stream, _session, done) => stream.resume().on('end', () => done()),
  });
  const open = await listen({ disabledCommands: ['STARTTLS'], onAuth });
  const rude = await listen({
    ...certs.server,
    onAuth: ({ username, password: given }, _session, done) =>
      done(new Error(`not ${given}, ${Buffer.from(`\0${username}\0${given}`).toString('base64')}`)),
  });
  const send = (port: number, ca: string) =>
    emailNotifier({ host: '127.0.0.1', port, tls: 'required', ca, login: { user: 'me', password } }).send({
      id: '<1@x>',
      run: 'r1',
      event: 'succeeded',
      to: 'a@example.org',
      from: 'b@example.org',
      subject: 's',
      text: 't',
      html: 'h',
    });
  await send(secure, certs.ca);
  expect(heard).toEqual([`me ${password}`]);
  await expect(send(secure, certs.otherCa)).rejects.toThrow(/certificate/);
  await expect(send(open, certs.ca)).rejects.toThrow(/mail server/);
  expect(heard).toHaveLength(1);
  await expect(send(rude, certs.ca)).rejects.toThrow(/: 535 not \*\*\*, [\w+/]*\*\*\*$/);
});
