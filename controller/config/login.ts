import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Project } from './project.ts';
import { decoded, partsOf } from './server-url.ts';

/** The user of the local stack's web pages and REST APIs. The password is the stack's secret. */
export const stackUser = 'sluice';

/** The file with the stack's secret; created by `sluice up`, readable by its owner alone. */
export const stackSecretFile = (home: string): string => join(home, 'secrets', 'stack');

/** The login of the local stack's services; undefined before the first `sluice up`. */
export function stackLogin(home: string): { user: string; password: string } | undefined {
  const file = stackSecretFile(home);
  return existsSync(file) ? { user: stackUser, password: readFileSync(file, 'utf8').trim() } : undefined;
}

export type WebService = 'livy' | 'sparkMaster' | 'historyServer' | 'mailbox';

/** The URLs of external services in conf/, with logins; undefined for services of the local stack. */
const externalAddresses = ({
  connections: { spark },
  stack: { elsewhere },
}: Project): Record<WebService, string | undefined> => ({
  livy: spark.livy ?? elsewhere.livy,
  sparkMaster: spark.master ?? elsewhere['spark-master'],
  historyServer: spark.history ?? elsewhere['history-server'],
  mailbox: elsewhere.mailbox,
});

/** Whether a service belongs to the local stack. */
export const isLocal = (project: Project, service: WebService): boolean =>
  externalAddresses(project)[service] === undefined;

/** The URL of a service for programs, with its login. Do not show it; `splitLogin` separates the two. */
export function addressOf(project: Project, service: WebService): string {
  const url = project.endpoints[service];
  const external = externalAddresses(project)[service];
  // An external mailbox is an SMTP server without web pages.
  if (external !== undefined) return service === 'mailbox' ? url : external.replace(/\/+$/, '');
  const login = stackLogin(project.home);
  return login ? url.replace('://', `://${login.user}:${login.password}@`) : url;
}

/** Splits `http://user:password@host` into the URL, which may be shown, and the headers of a request. */
export function splitLogin(address: string): { url: string; headers: Record<string, string> } {
  const { protocol, login, rest } = partsOf(address) ?? {};
  if (login === undefined) return { url: address, headers: {} };
  const encoded = Buffer.from(login.split(':').map(decoded).join(':')).toString('base64');
  return { url: `${protocol}://${rest}`, headers: { authorization: `Basic ${encoded}` } };
}
