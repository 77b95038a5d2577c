import { fileURLToPath } from 'node:url';
import { addressOf } from '../config/login.ts';
import type { Project } from '../config/project.ts';
import { portAnswers } from './process.ts';
import type { Service } from './service.ts';
import { answers } from './spark.ts';

/** A mailbox that accepts every mail and shows it on a web page. Nothing leaves this machine. */
export function mailbox(project: Project): Service {
  const { ports, elsewhere } = project.stack;
  const server = fileURLToPath(new URL('./mailbox-server.js', import.meta.url));
  return {
    name: 'mailbox',
    url: project.endpoints.mailbox,
    external: elsewhere.mailbox !== undefined,
    ports: [ports.smtp, ports.mailboxUi],
    prepare: async () => ({
      file: process.execPath,
      args: [server, String(ports.smtp), String(ports.mailboxUi), project.home],
    }),
    healthy: async () =>
      (await portAnswers(ports.smtp)) && (await answers(addressOf(project, 'mailbox'), '/mails.json')),
  };
}
