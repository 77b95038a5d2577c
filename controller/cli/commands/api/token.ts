import { newToken } from '../../../app/access/token.ts';
import { byCommand } from '../../../app/new-run.ts';
import { tokenLine } from '../../../app/views/lists.ts';
import { openProject, withStore } from '../../../app/wiring.ts';
import type { RunStore } from '../../../domain/ports/store.ts';
import type { ApiToken, Scope } from '../../../domain/ports/tokens.ts';
import { milliseconds } from '../../../lib/duration.ts';
import { rejected } from '../../../lib/errors.ts';
import { iso } from '../../../lib/text.ts';
import { columns, exit, type Output } from '../../view/output.ts';

interface TokenOptions {
  readonly scope?: readonly Scope[];
  readonly pipeline?: readonly string[];
  readonly expires?: string;
}

/** `sluice token create NAME`, `sluice token list`, `sluice token revoke ID`. */
export async function token(
  output: Output,
  action: string,
  name: string | undefined,
  options: TokenOptions,
): Promise<number> {
  const work = { create, list, revoke }[action];
  if (!work) throw rejected(`there is no sluice token ${action}`, 'it is one of create, list and revoke');
  return withStore(await openProject(), (store) => work(output, store, name, options));
}

type Work = (output: Output, store: RunStore, name: string | undefined, options: TokenOptions) => Promise<number>;

const create: Work = async (output, store, name, { scope = ['read'], pipeline = ['*'], expires }) => {
  if (name === undefined) throw rejected('a token needs a name', 'sluice token create NAME');
  const by = byCommand().by ?? 'command';
  const now = Date.now();
  const until = expires === undefined ? undefined : now + milliseconds(expires);
  const made = newToken({ name, scopes: [...new Set(scope)], pipelines: pipeline, expires: until, by }, now);
  await store.addToken(made.token);
  await audit(store, 'token create', made.token.id);
  output.line(made.text);
  if (output.isTerminal) output.line('It is shown once; pass it to clients by the variable SLUICE_TOKEN.');
  output.document({ ...tokenLine(made.token), token: made.text });
  return exit.ok;
};

const list: Work = async (output, store) => {
  const all = await store.tokens();
  if (all.length === 0) output.line('No tokens; `sluice serve` creates the first one.');
  const rows = all.map((each) => [
    each.id,
    each.name,
    each.scopes.join(', '),
    each.pipelines.join(', '),
    stateOf(each),
    each.used === undefined ? 'never used' : `used ${iso(each.used)?.slice(0, 16).replace('T', ' ')}`,
  ]);
  for (const line of columns(rows)) output.line(line);
  output.document(all.map(tokenLine));
  return exit.ok;
};

function stateOf({ revoked, expires }: ApiToken): string {
  if (revoked !== undefined) return 'revoked';
  if (expires === undefined) return 'valid';
  return `${expires <= Date.now() ? 'expired' : 'valid until'} ${iso(expires)?.slice(0, 10)}`;
}

const revoke: Work = async (output, store, id) => {
  if (id === undefined) throw rejected('which token?', '`sluice token list` lists them');
  if (!(await store.revokeToken(id, Date.now())))
    throw rejected(`there is no token ${id}, or it was revoked before`, '`sluice token list` lists them');
  await audit(store, 'token revoke', id);
  output.line(`token ${id} is revoked`);
  output.document({ id, revoked: true });
  return exit.ok;
};

const audit = (store: RunStore, action: string, target: string): Promise<void> =>
  store.recordAudit({
    ...{ at: Date.now(), by: byCommand().by ?? 'command', action, target, status: 200 },
    ...{ token: undefined, address: undefined, detail: undefined },
  });
