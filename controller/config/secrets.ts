import { addressOf, stackLogin } from './login.ts';
import type { Project } from './project.ts';
import { serverUrl } from './server-url.ts';

/** The keys of connections whose values are secrets, also in sections of drivers. */
const secretKey = /password|secret|token|passphrase|accesskey|apikey|routingkey|hook/i;

/** Some services name the header of a key after themselves, and other headers have short values. */
const isSecretHeader = (name: string, value: string): boolean =>
  /auth|cookie|key|team/i.test(name) || value.length >= 16;

/** The secrets that conf/ and the local stack name: what must not appear in anything that is shown. */
export function secretsOf(project: Project): string[] {
  const found = new Set<string>();
  const visit = (value: unknown, key: string): void => {
    if (typeof value === 'string') {
      if (secretKey.test(key)) found.add(value);
      // A login in a URL.
      const [, login] = /:\/\/[^/\s]*?:([^/\s]*)@/.exec(value) ?? [];
      if (login !== undefined) found.add(login);
    } else if (typeof value === 'object' && value !== null)
      for (const [name, each] of Object.entries(value)) {
        visit(each, name);
        if (key === 'headers' && typeof each === 'string' && isSecretHeader(name, each)) found.add(each);
      }
  };
  visit(project.connections, '');
  visit(project.stack.elsewhere, '');
  const stack = stackLogin(project.home);
  if (stack) found.add(stack.password);
  for (const service of ['livy', 'sparkMaster', 'historyServer'] as const) {
    const { password } = serverUrl(service, addressOf(project, service), ['http', 'https'], 'https://host');
    if (password !== undefined) found.add(password);
  }
  return [...found].filter((secret) => secret !== '');
}
