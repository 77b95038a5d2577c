import { expect, test } from 'vitest';
import type { ServerInfo } from '../../controller/domain/ports/servers.ts';
import type { RunStore, StoreOwner } from '../../controller/domain/ports/store.ts';

/** The part of the store's suite about servers and pipelines. */
export function serversContract({
  store,
  as,
  pass,
  prefix,
}: {
  readonly store: () => RunStore;
  readonly as: (owner: StoreOwner) => Promise<RunStore>;
  readonly pass: (ms: number) => Promise<void>;
  readonly prefix: string;
}): void {
  const info = (version: string): ServerInfo => ({
    ...{ release: '1', version: '0', node: '20', tzdata: '2026a', services: ['worker'], url: 'http://127.0.0.1:1' },
    pipelines: { p: { version, file: 'p.yaml', problem: 'it’s "broken"' } },
  });

  test('lists what the servers with a lease have told last, each project its own', async () => {
    const [one, two] = [`${prefix}-server-1`, `${prefix}-server-2`];
    await store().heartbeat(one, 600_000);
    await store().heartbeat(two, 1000);
    await store().announce({ owner: one, info: info('a') });
    await store().announce({ owner: one, info: info('b') });
    await store().announce({ owner: two, info: info('c') });
    expect(await store().servers()).toEqual([
      { owner: one, info: info('b') },
      { owner: two, info: info('c') },
    ]);
    const other = await as({ name: `${prefix}-other-servers` });
    expect(await other.servers()).toEqual([]);
    await other.close();
    await pass(1100);
    expect(await store().servers()).toEqual([{ owner: one, info: info('b') }]);
    await store().expire(one);
    expect(await store().servers()).toEqual([]);
  });

  test('keeps the last valid content of a file', async () => {
    const kept = { file: 'conf/pipelines/p.yaml', version: '1', pipeline: { name: 'p' } as never, text: 'name: p\n' };
    expect(await store().keptPipeline(kept.file)).toBeUndefined();
    await store().keepPipeline(kept);
    await store().keepPipeline({ ...kept, version: '2' });
    expect(await store().keptPipeline(kept.file)).toEqual({ ...kept, version: '2' });
  });
}
