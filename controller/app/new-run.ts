import { randomBytes } from 'node:crypto';
import { hostname, userInfo } from 'node:os';
import type { Cause } from '../domain/events.ts';

/** When it began, to the second, and two bytes of chance. */
export const newRunName = (now: Date): string =>
  `${now.toISOString().slice(0, 19).replace(/[-:]/g, '').replace('T', '-')}-${randomBytes(2).toString('hex')}`;

/** The cause of a run that is started by hand. */
export function byCommand(): Cause {
  let user = 'unknown';
  try {
    user = userInfo().username;
  } catch {
    // A user id without an account, as containers have them.
  }
  return { kind: 'command', by: `${user}@${hostname()}` };
}
