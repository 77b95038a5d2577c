import { expect, test } from 'vitest';
import type { AuditEntry } from '../../controller/domain/ports/audit.ts';
import type { RunStore, StoreOwner } from '../../controller/domain/ports/store.ts';
import type { ApiToken } from '../../controller/domain/ports/tokens.ts';

/** The part of the store's suite about API tokens and the audit log. */
export function tokensContract({
  store,
  as,
  prefix,
}: {
  readonly store: () => RunStore;
  readonly as: (owner: StoreOwner) => Promise<RunStore>;
  readonly prefix: string;
}): void {
  let next = 0;
  const token = (of: Partial<ApiToken> = {}): ApiToken => {
    next += 1;
    return {
      id: `${prefix}-${next}`,
      name: 'it’s "mine"',
      hash: 'abc',
      scopes: ['read', 'runs:write'],
      pipelines: ['customer-*', 'a,b'],
      created: 1000 + next,
      by: 'me@here',
      expires: undefined,
      used: undefined,
      revoked: undefined,
      ...of,
    };
  };
  const entry = (of: Partial<AuditEntry> = {}): AuditEntry => ({
    at: 5,
    by: 'me',
    token: undefined,
    address: '::1',
    action: 'POST /x',
    target: undefined,
    status: 201,
    detail: undefined,
    ...of,
  });

  test('stores tokens as they are, the newest first', async () => {
    const [one, two] = [token(), token({ expires: 2 ** 43, scopes: ['admin'] })];
    await store().addToken(one);
    await store().addToken(two);
    expect(await store().token(one.id)).toEqual(one);
    expect((await store().tokens()).slice(0, 2)).toEqual([two, one]);
    expect(await store().token(`${prefix}-none`)).toBeUndefined();
  });

  test('refuses a second token with the id of another', async () => {
    const one = token();
    await store().addToken(one);
    await expect(store().addToken({ ...one, name: 'thief', hash: 'other' })).rejects.toThrow();
    expect(await store().token(one.id)).toEqual(one);
  });

  test('records the use of a token once a minute', async () => {
    const { id } = token();
    await store().addToken(token({ id }));
    await store().tokenUsed(id, 100_000);
    await store().tokenUsed(id, 159_999);
    expect((await store().token(id))?.used).toBe(100_000);
    await store().tokenUsed(id, 160_000);
    expect((await store().token(id))?.used).toBe(160_000);
  });

  test('revokes a token once, however many ask for it', async () => {
    const one = token();
    await store().addToken(one);
    const answers = await Promise.all([7, 7, 7].map((at) => store().revokeToken(one.id, at)));
    expect(answers.filter((revoked) => revoked)).toHaveLength(1);
    expect(await store().token(one.id)).toEqual({ ...one, revoked: 7 });
    expect(await store().revokeToken(`${prefix}-none`, 7)).toBe(false);
  });

  test('keeps the audit log in order, and pages through it', async () => {
    const other = await as({ name: `${prefix}-audited` });
    for (const at of [1, 2, 3]) await other.recordAudit(entry({ at, target: `run-${at}`, detail: 'it’s "so"' }));
    const all = await other.audit({ limit: 10 });
    expect(all.map(({ at }) => at)).toEqual([3, 2, 1]);
    expect(all[0]).toEqual({ ...entry({ at: 3, target: 'run-3', detail: 'it’s "so"' }), number: all[0]?.number });
    expect(await other.audit({ limit: 1, before: all[0]?.number as number })).toEqual([all[1]]);
    await other.close();
  });

  test('separates the tokens and the audit log of projects', async () => {
    const other = await as({ name: `${prefix}-foreign-tokens` });
    const theirs = token();
    await other.addToken(theirs);
    await other.recordAudit(entry({ by: 'them' }));
    expect(await store().token(theirs.id)).toBeUndefined();
    expect((await store().tokens()).map(({ id }) => id)).not.toContain(theirs.id);
    await store().tokenUsed(theirs.id, 5);
    expect(await store().revokeToken(theirs.id, 5)).toBe(false);
    expect(await other.token(theirs.id)).toEqual(theirs);
    expect((await store().audit({ limit: 1000 })).filter(({ by }) => by === 'them')).toEqual([]);
    await other.close();
  });
}
