import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Project } from './project.ts';

/** The user of the local stack's web pages and REST APIs. The password is the stack's secret. */
export const stackUser = 'sluice';

/** The file with the stack's secret; made by `sluice up`, readable by its owner alone. */
export const stackSecretFile = (home: string): string => join(home, 'secrets', 'stack');

/** The login of the local stack's services; undefined before the first `sluice up`. */
export function stackLogin(home: string): { user: string; password: string } | undefined {
  const file = stackSecretFile(home);
  return existsSync(file) ? { user: stackUser, password: readFileSync(file, 'utf8').trim() } : undefined;
}

/** Whether a service is the local stack's. */
export function isLocal({ connections: { spark }, stack: { elsewhere } }: Project, service: WebService): boolean {
  const others = {
    livy: spark.livy ?? elsewhere.livy,
    sparkMaster: spark.master ?? elsewhere['spark-master'],
    historyServer: spark.history ?? elsewhere['history-server'],
    mailbox: elsewhere.mailbox,
  };
  return others[service] === undefined;
}

export type WebService = 'livy' | 'sparkMaster' | 'historyServer' | 'mailbox';

/** The URL at which a program asks a service, with the login of a local one. Not to be shown: `splitLogin` parts the two. */
export function addressOf(project: Project, service: WebService): string {
  const url = project.endpoints[service];
  const login = isLocal(project, service) ? stackLogin(project.home) : undefined;
  return login ? url.replace('://', `://${login.user}:${login.password}@`) : url;
}

/** Parts `http://user:password@host` into the URL, which may be shown, and the headers of a request. */
export function splitLogin(address: string): { url: string; headers: Record<string, string> } {
  const parts = /^(https?:\/\/)([^/?#]*)@(.*)$/.exec(address);
  if (!parts) return { url: address, headers: {} };
  const [, scheme = '', login = '', rest = ''] = parts;
  const encoded = Buffer.from(login.split(':').map(decodeURIComponent).join(':')).toString('base64');
  return { url: scheme + rest, headers: { authorization: `Basic ${encoded}` } };
}
