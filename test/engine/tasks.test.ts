import { expect, test } from 'vitest';
import { RunningTasks } from '../../controller/engine/tasks.ts';
import { memoryTaskRunner } from '../fakes/task.ts';

test('a task runs once for any number of polls before its outcome is in the history', async () => {
  const runner = memoryTaskRunner(() => ({ body: 'done' }));
  const tasks = new RunningTasks(runner, () => 0);
  const request = { step: { outputs: [] }, key: 'k', values: {} };
  const answered = new Promise<void>((resolve) => {
    expect(tasks.poll('attempt', request, resolve)).toBeUndefined();
  });
  await answered;
  const outcomes = [tasks.poll('attempt', request, () => undefined), tasks.poll('attempt', request, () => undefined)];
  expect(outcomes).toEqual([{ answer: { body: 'done' } }, { answer: { body: 'done' } }]);
  expect(runner.keys).toEqual(['k']);
  await tasks.abort('attempt');
  expect(tasks.poll('attempt', request, () => undefined)).toBeUndefined();
});
