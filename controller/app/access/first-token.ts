import { mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { LeaseStore } from '../../domain/ports/store.ts';
import type { TokenStore } from '../../domain/ports/tokens.ts';
import { unwritable } from '../../lib/errors.ts';
import { newToken } from './token.ts';

/** The file with the first token; readable by its owner alone. */
const firstTokenFile = (home: string): string => join(home, 'secrets', 'api-token');

/** How long a controller has to store the first token before another may. Milliseconds. */
const turnMs = 10_000;

/**
 * Creates the first token of a project, which may do everything, and writes it to the home. Returns its file; undefined
 * when the project has tokens already, or another controller creates the first.
 */
export async function createFirstToken(
  store: TokenStore & LeaseStore,
  home: string,
  owner: string,
  now: number,
): Promise<string | undefined> {
  if ((await store.tokens()).length > 0) return undefined;
  if (!(await store.claimRole('first-token', owner, turnMs)) || (await store.tokens()).length > 0) return undefined;
  const file = firstTokenFile(home);
  const { text, token } = newToken({ name: 'first', scopes: ['admin'], pipelines: ['*'], by: 'serve' }, now);
  try {
    await mkdir(dirname(file), { recursive: true, mode: 0o700 });
    // A new file, because the mode of an existing one would stay. A crash before the store has the token leaves none.
    await rm(file, { force: true });
    await writeFile(file, `${text}\n`, { mode: 0o600, flag: 'wx' });
  } catch (error) {
    throw unwritable(file, error);
  }
  await store.addToken(token);
  return file;
}
