import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { eventStream } from '../../controller/server/streams/sse.ts';

test('a reader that is too slow is dropped with a bounded buffer', async () => {
  let made = 0;
  let isOver = false;
  const line = 'x'.repeat(10_000);
  const response = eventStream(
    async function* () {
      for (;;) {
        made += 1;
        yield { id: made, event: 'e', data: line };
      }
    },
    {
      stalledMs: 100,
      onClose: () => {
        isOver = true;
      },
    },
  );
  const reader = (response.body as ReadableStream<Uint8Array>).getReader();
  await reader.read();
  await sleep(50);
  expect(made * line.length).toBeLessThan(1.2 * (1 << 20));
  expect(isOver).toBe(false);
  await sleep(300);
  expect(isOver).toBe(true);
  await expect(
    (async () => {
      for (;;) if ((await reader.read()).done) return;
    })(),
  ).rejects.toThrow(/too slow/);
});

test('a quiet stream has a comment now and then', async () => {
  const leaving = new AbortController();
  const response = eventStream(
    async function* () {
      await sleep(10_000, undefined, { signal: leaving.signal }).catch(() => undefined);
    },
    { heartbeatMs: 10 },
  );
  const reader = (response.body as ReadableStream<Uint8Array>).getReader();
  let text = '';
  while (!text.includes(': \n\n')) text += new TextDecoder().decode((await reader.read()).value);
  expect(text).toBe('retry: 1000\n\n: \n\n');
  leaving.abort();
  await reader.cancel();
});
