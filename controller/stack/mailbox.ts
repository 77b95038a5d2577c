import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Project } from '../config/project.ts';
import { request } from '../connect/http.ts';
import { portAnswers } from './process.ts';
import type { Service } from './service.ts';

export const mailFolder = (home: string): string => join(home, 'data', 'mailbox');

/** A mailbox that takes every mail and shows it on a web page; nothing leaves this machine. */
export function mailbox(project: Project): Service {
  const { ports, elsewhere } = project.stack;
  const server = fileURLToPath(new URL('./mailbox-server.js', import.meta.url));
  return {
    name: 'mailbox',
    url: project.endpoints.mailbox,
    elsewhere: elsewhere.mailbox !== undefined,
    ports: [ports.smtp, ports.mailboxUi],
    prepare: async () => ({
      file: process.execPath,
      args: [server, String(ports.smtp), String(ports.mailboxUi), mailFolder(project.home)],
    }),
    healthy: async () =>
      (await portAnswers(ports.smtp)) &&
      (await request(`${project.endpoints.mailbox}/mails.json`).catch(() => undefined))?.status === 200,
  };
}
