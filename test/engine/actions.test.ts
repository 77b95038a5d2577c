import { expect, test } from 'vitest';
import { ActionRunner } from '../../controller/engine/actions.ts';

test('a later decision starts nothing until the history has the starts of an earlier one', async () => {
  const begun: string[] = [];
  const noted: (() => void)[] = [];
  const tasks = new ActionRunner(
    async (action) => {
      begun.push(`${action.do} ${'step' in action ? action.step : ''}`);
      await new Promise<void>((resolve) => noted.push(resolve));
      return 0;
    },
    () => 0,
    () => undefined,
  );
  const start = (step: string) => ({ do: 'start', step, attempt: 1 }) as const;
  tasks.startDue([start('a'), start('b')]);
  // With a parallelism of 2: an earlier step can start now, and the history does not have the two that are starting.
  tasks.startDue([start('first'), start('a'), { do: 'follow', step: 'other', attempt: 1 }]);
  expect(begun).toEqual(['start a', 'start b', 'follow other']);
  for (const note of noted) note();
  await tasks.whenIdle();
  tasks.startDue([start('first')]);
  expect(begun.at(-1)).toBe('start first');
});
