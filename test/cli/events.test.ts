import { expect, test } from 'vitest';
import { eventPrinter } from '../../controller/cli/view/events.ts';
import type { Output } from '../../controller/cli/view/output.ts';
import type { RunEvent } from '../../controller/domain/events.ts';
import { emptyState } from '../../controller/domain/state.ts';
import { iso } from '../../controller/lib/text.ts';

function printed(...events: RunEvent[]): string[] {
  const lines: string[] = [];
  const output: Output = {
    json: false,
    isTerminal: false,
    line: (text = '') => lines.push(text),
    live: () => undefined,
    document: () => undefined,
  };
  const print = eventPrinter(output);
  for (const event of events) print({ kind: 'event', record: { seq: 1, at: 1, event }, state: emptyState() });
  return lines;
}

test('an invalid time does not crash the output', () => {
  const retry = { type: 'retry-scheduled', step: 'call', attempt: 2, at: 1e21, reason: '503' } as const;
  expect(printed(retry).join()).toContain('attempt 2 at no time');
  expect(iso(1e21)).toBeNull();
  expect(iso(0)).toBe('1970-01-01T00:00:00.000Z');
});

test('an event that cannot be shown is named, and the next one is shown', () => {
  const odd = { type: 'queued' } as unknown as RunEvent;
  const lines = printed(odd, { type: 'run-ended', state: 'failed', reason: 'because' });
  expect(lines[0]).toContain('queued cannot be shown');
  expect(lines[1]).toContain('because');
});
