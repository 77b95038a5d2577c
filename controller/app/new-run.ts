import { randomBytes } from 'node:crypto';
import { hostname, userInfo } from 'node:os';
import type { Cause } from '../domain/events.ts';

/** The names that this process gave last: a trigger that catches up starts many runs in a second. */
const given = new Set<string>();
const mostRemembered = 10_000;

/** The start time, to the second, and two random bytes; another name at each call. */
export function newRunName(now: Date): string {
  const time = now.toISOString().slice(0, 19).replace(/[-:]/g, '').replace('T', '-');
  for (;;) {
    const name = `${time}-${randomBytes(2).toString('hex')}`;
    if (given.has(name)) continue;
    if (given.size === mostRemembered) given.clear();
    given.add(name);
    return name;
  }
}

/** The cause of a run that a command starts. */
export function byCommand(): Cause {
  let user = 'unknown';
  try {
    user = userInfo().username;
  } catch {
    // A user id without an account, as in containers.
  }
  return { kind: 'command', by: `${user}@${hostname()}` };
}
