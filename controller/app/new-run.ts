import { randomBytes } from 'node:crypto';
import { hostname, userInfo } from 'node:os';
import type { Cause } from '../domain/events.ts';

/** The start time, to the second, and two random bytes. */
export const newRunName = (now: Date): string =>
  `${now.toISOString().slice(0, 19).replace(/[-:]/g, '').replace('T', '-')}-${randomBytes(2).toString('hex')}`;

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
