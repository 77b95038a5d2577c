import { SMTPServer } from 'smtp-server';
import { describe, expect, test } from 'vitest';
import { begin } from './expectations.ts';
import {
  lastRun,
  otherProject,
  pause,
  type RunDocument,
  read,
  sluiceJson,
  smallPipeline,
  start,
  write,
} from './world.ts';

describe('a mail server', () => {
  /** A mail server with special behaviour. */
  async function smtp(options: ConstructorParameters<typeof SMTPServer>[0]) {
    const server = new SMTPServer({ authOptional: true, disabledCommands: ['STARTTLS'], ...options });
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', () => resolve());
    });
    const { port } = server.server.address() as { port: number };
    return {
      url: `smtp://127.0.0.1:${port}`,
      close: () => new Promise<void>((resolve) => server.close(() => resolve())),
    };
  }
  const withMail = (name: string, url: string) =>
    otherProject(name, (text) => text.replace('mail:\n', `mail:\n  url: "${url}"\n`));

  test('that refuses one of three recipients: the others get their mail, and the run names the refused one', async () => {
    const taken: string[] = [];
    const server = await smtp({
      onRcptTo: (address, _session, done) =>
        address.address.startsWith('nobody') ? done(new Error('550 no such user')) : done(),
      onData(stream, session, done) {
        taken.push(...session.envelope.rcptTo.map((to) => to.address));
        stream.resume().on('end', () => done());
      },
    });
    const elsewhere = await withMail('refusing', server.url);
    const file = await smallPipeline('three-readers', {});
    const three = (await read(file)).replace(
      /- \{ email: team.*\n/,
      ['a', 'nobody', 'c']
        .map((to) => `- { email: ${to}@example.org, on: [succeeded] }`)
        .join('\n  ')
        .concat('\n'),
    );
    await write(file, three);
    const { stdout, exitCode } = await start(['run', file, '--json'], {}, elsewhere);
    await server.close();
    expect(exitCode).toBe(0);
    const doc = JSON.parse(String(stdout)) as RunDocument;
    expect(taken).toEqual(['a@example.org', 'c@example.org']);
    expect(doc.messages.map(({ to, state }) => [to, state])).toEqual([
      ['a@example.org', 'sent'],
      ['nobody@example.org', 'refused'],
      ['c@example.org', 'sent'],
    ]);
    expect(doc.messages[1]?.note).toContain('550 no such user');
  });

  test('whose acceptance is not recorded before the controller dies: the same Message-ID arrives again, and no other', async () => {
    const ids: string[] = [];
    let victim: ReturnType<typeof start> | undefined;
    const server = await smtp({
      onData(stream, _session, done) {
        const chunks: Buffer[] = [];
        stream.on('data', (chunk: Buffer) => chunks.push(chunk));
        stream.on('end', () => {
          ids.push(/^Message-ID: (.*)$/im.exec(Buffer.concat(chunks).toString())?.[1] ?? 'none');
          if (ids.length === 1) victim?.kill('SIGKILL');
          done();
        });
      },
    });
    const elsewhere = await withMail('dying', server.url);
    const file = await smallPipeline('mailed-twice', {});
    victim = begin(['run', file], {}, elsewhere);
    await victim;
    const serving = begin(['serve'], {}, elsewhere);
    while (ids.length < 2) await pause(200);
    const { run } = await lastRun();
    const state = async () => (await sluiceJson('show', run)).doc.messages.map((message) => message.state);
    while ((await state())[0] !== 'sent') await pause(200);
    serving.kill('SIGINT');
    await serving;
    await server.close();
    expect(new Set(ids).size).toBe(1);
    expect(ids).toHaveLength(2);
  });
});
