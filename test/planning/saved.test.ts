import { expect, test } from 'vitest';
import { isSealed, type SavedPlan, sealOf } from '../../controller/planning/saved.ts';

const plan = {
  sluice: 'plan/1',
  file: 'a.yaml',
  at: 1,
  plan: { verdict: 'passed', branch: 'full' },
} as unknown as SavedPlan;

test('an edited plan, or one that another project sealed, is distinguished from the saved one', () => {
  const saved = JSON.parse(JSON.stringify({ ...plan, seal: sealOf(plan, 'key') })) as SavedPlan;
  expect(isSealed(saved, 'key')).toBe(true);
  expect(isSealed(saved, 'other')).toBe(false);
  expect(isSealed({ ...saved, at: 2 }, 'key')).toBe(false);
  expect(isSealed({ ...saved, plan: { ...saved.plan, branch: 'light' } } as unknown as SavedPlan, 'key')).toBe(false);
  expect(isSealed(plan, 'key')).toBe(false);
});
