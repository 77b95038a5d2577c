import { expect, test } from 'vitest';
import type { RunStore, StoreOwner } from '../../controller/domain/ports/store.ts';

/** The part of the store's suite about proofs. */
export function proofsContract({
  store,
  as,
  prefix,
}: {
  readonly store: () => RunStore;
  readonly as: (owner: StoreOwner) => Promise<RunStore>;
  readonly prefix: string;
}): void {
  test('counts equal comparisons of a pair, however many controllers add them', async () => {
    const pair = `${prefix}-pair`;
    expect(await store().proofs([pair])).toEqual([]);
    await Promise.all([1, 2, 3].map(() => store().compared({ pair, by: 'shadow' })));
    expect(await store().proofs([pair, 'another'])).toEqual([{ pair, equal: 3, proven: false }]);
  });

  test('a difference takes a proof away, until both engines are compared on purpose', async () => {
    const pair = `${prefix}-different`;
    await store().compared({ pair, by: 'prove' });
    expect(await store().compared({ pair, by: 'shadow', difference: 'it’s "other"' })).toEqual({
      pair,
      equal: 0,
      proven: false,
      difference: 'it’s "other"',
    });
    expect(await store().compared({ pair, by: 'shadow' })).toMatchObject({ equal: 1, difference: 'it’s "other"' });
    expect(await store().compared({ pair, by: 'prove' })).toEqual({ pair, equal: 1, proven: true });
  });

  test('knows nothing of the proofs of other projects', async () => {
    const pair = `${prefix}-foreign`;
    const other = await as({ name: `${prefix}-stranger` });
    await other.compared({ pair, by: 'prove' });
    expect(await store().proofs([pair])).toEqual([]);
    await other.close();
  });
}
