import { expect, test } from 'vitest';
import { Calls } from '../../controller/engine/calls.ts';
import { memoryCaller } from '../fakes/task.ts';

test('a call is made once, however often its outcome is asked for before it is in the history', async () => {
  const caller = memoryCaller(() => ({ body: 'done' }));
  const calls = new Calls(caller, () => 0);
  const call = { step: { outputs: [] }, key: 'k', values: {} };
  const answered = new Promise<void>((resolve) => {
    expect(calls.ask('attempt', call, resolve)).toBeUndefined();
  });
  await answered;
  const outcomes = [calls.ask('attempt', call, () => undefined), calls.ask('attempt', call, () => undefined)];
  expect(outcomes).toEqual([{ answer: { body: 'done' } }, { answer: { body: 'done' } }]);
  expect(caller.keys).toEqual(['k']);
  await calls.end('attempt');
  expect(calls.ask('attempt', call, () => undefined)).toBeUndefined();
});
