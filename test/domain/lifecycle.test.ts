import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { attemptTable, next, runTable } from '../../controller/domain/lifecycle.ts';
import { statesPage } from './states-page.ts';

test('docs/states.md matches the tables (npm run states generates it)', () => {
  expect(readFileSync(new URL('../../docs/states.md', import.meta.url), 'utf8')).toBe(statesPage());
});

test('the event names the end, and nothing follows it', () => {
  const ended = { type: 'run-ended', state: 'degraded', reason: '' } as const;
  expect(next(runTable, 'running', ended)).toBe('degraded');
  expect(next(runTable, 'degraded', { type: 'cancel-requested', by: 'x' })).toBe('degraded');
  expect(next(attemptTable, 'succeeded', { type: 'attempt-ended', step: 's', attempt: 1, state: 'failed' })).toBe(
    'succeeded',
  );
});
