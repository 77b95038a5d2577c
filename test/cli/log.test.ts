import { expect, test } from 'vitest';
import { jsonLogger, logUpdates, prettyLogger } from '../../controller/cli/view/log.ts';
import type { RunEvent } from '../../controller/domain/events.ts';
import { emptyState } from '../../controller/domain/state.ts';
import type { LogLevel } from '../../controller/lib/logger.ts';

const update = (event: RunEvent) => ({ kind: 'event', record: { seq: 1, at: 1, event }, state: emptyState() }) as const;
const waiting = update({ type: 'attempt-waiting', step: 'marts', attempt: 2, what: 'http://h:1 does not\nanswer' });
const failed = update({ type: 'run-ended', state: 'failed', reason: 'no more' });
const left = update({ type: 'queue-left' });
const going = update({ type: 'attempt-submitted', step: 'marts', attempt: 2, submission: { key: 'k', id: '7' } });

function logged(level: LogLevel): Record<string, unknown>[] {
  const lines: string[] = [];
  const print = logUpdates(jsonLogger(level, { write: (line) => void lines.push(line) }), 'r1');
  for (const each of [going, waiting, left, failed]) print(each);
  expect(lines.every((line) => line.indexOf('\n') === line.length - 1)).toBe(true);
  return lines.map((line) => JSON.parse(line));
}

test('each update of a run is logged as a line of JSON with run, step, attempt and level', () => {
  expect(logged('info')).toMatchObject([
    {
      level: 'info',
      run: 'r1',
      step: 'marts',
      attempt: 2,
      event: 'attempt-submitted',
      msg: 'submitted  marts: batch 7',
    },
    { level: 'warn', run: 'r1', step: 'marts', attempt: 2, event: 'attempt-waiting' },
    { level: 'error', run: 'r1', event: 'run-ended', msg: 'run        failed: no more' },
  ]);
  for (const { time } of logged('info')) expect(Date.parse(String(time))).toBeGreaterThan(0);
});

test('lines below the log level are omitted', () => {
  expect(logged('error')).toHaveLength(1);
  expect(logged('warn')).toHaveLength(2);
});

test('on a terminal the lines are plain text', () => {
  const lines: string[] = [];
  const output = { json: false, isTerminal: true, live: () => undefined, document: () => undefined };
  const print = logUpdates(prettyLogger('warn', { ...output, line: (text = '') => void lines.push(text) }), 'r1');
  for (const each of [going, failed]) print(each);
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatch(/r1.* failed.*: no more/);
});
