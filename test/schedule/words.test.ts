import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { calendarSchema } from '../../controller/schedule/calendar.ts';
import { nextWall, parseCron } from '../../controller/schedule/cron.ts';
import type { Dst } from '../../controller/schedule/instants.ts';
import { describeCron, describeTransition } from '../../controller/schedule/words.ts';
import { transitions } from '../../controller/schedule/zone.ts';

describe('the sentence of an expression', () => {
  test.each([
    ['0 6 * * mon-fri', 'at 06:00 on Monday to Friday'],
    ['*/15 * * * *', 'every 15 minutes'],
    ['* * * * *', 'every minute'],
    ['0 * * * *', 'at minute 0 of every hour'],
    ['30 2 * * *', 'at 02:30 every day'],
    ['30 2 1 * *', 'at 02:30 on day 1 of the month'],
    ['0,30 6,18 * * *', 'at 06:00, 06:30, 18:00 and 18:30 every day'],
    ['*/7 * * * *', 'at minutes 0, 7, 14, 21, 28, 35, 42, 49 and 56 of every hour'],
    ['10 */2 * * *', 'at minute 10 of every second hour'],
    ['10 1/2 * * *', 'at minute 10 of hours 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21 and 23'],
    ['*/15 8-17 * * 1-5', 'at minutes 0, 15, 30 and 45 of hours 8 to 17 on Monday to Friday'],
    ['* 9 * * *', 'every minute of hour 9'],
    ['*/30 * 1-7 jan,jun-aug *', 'every 30 minutes on days 1 to 7 of the month in January and June to August'],
    ['0 0 L * *', 'at 00:00 on the last day of the month'],
    ['0 0 LW * *', 'at 00:00 on the last day from Monday to Friday of the month'],
    ['0 0 L-1,L-3 * *', 'at 00:00 on the day before the last day and the third day before the last day of the month'],
    ['0 0 * * mon#2,fri#L', 'at 00:00 on the second Monday of the month and the last Friday of the month'],
    ['0 0 13 * fri', 'at 00:00 on day 13 of the month or on Friday'],
    ['0 0 * * fri-mon', 'at 00:00 on Monday and Friday to Sunday'],
    ['@yearly', 'at 00:00 on day 1 of the month in January'],
  ])('%s', (text, sentence) => {
    expect(describeCron(parseCron(text), 'Europe/Moscow')).toBe(`${sentence}, Europe/Moscow`);
  });

  test('is the same only for expressions with the same wall times', () => {
    const step = fc.constantFrom('', '', '/2', '/3', '/4', '/6', '/7');
    const field = (min: number, max: number, ...special: string[]): fc.Arbitrary<string> => {
      const value = fc.integer({ min, max });
      const range = fc.tuple(value, value).map(([a, b]) => `${Math.min(a, b)}-${Math.max(a, b)}`);
      const part = fc.oneof(
        value.map(String),
        fc.tuple(fc.oneof(range, fc.constant('*')), step).map((all) => all.join('')),
      );
      const parts = fc.array(special.length > 0 ? fc.oneof(part, fc.constantFrom(...special)) : part, {
        minLength: 1,
        maxLength: 3,
      });
      return fc.oneof(
        fc.constant('*'),
        part,
        parts.map((all) => all.join(',')),
      );
    };
    const cron = fc.tuple(
      ...[
        field(0, 59),
        field(0, 23),
        field(1, 31, 'L', 'LW', 'L-1', 'L-2'),
        field(1, 12),
        field(0, 7, '1#1', '5#L', '0#5', 'fri-mon'),
      ],
    );
    const texts = new Map<string, string>();
    void fc.assert(
      fc.property(cron, (fields) => {
        const text = fields.join(' ');
        const walls = firstWalls(text);
        if (walls === undefined) return;
        const sentence = describeCron(parseCron(text), 'UTC');
        const known = texts.get(sentence);
        if (known === undefined) texts.set(sentence, text);
        else expect(walls, `${text} and ${known}: ${sentence}`).toEqual(firstWalls(known));
      }),
      { numRuns: 5000, seed: 1 },
    );
    expect(texts.size).toBeGreaterThan(1000);
  });
});

/** The next wall times after each of some months; undefined for an expression that is never due. */
function firstWalls(text: string): number[] | undefined {
  try {
    const cron = parseCron(text);
    return Array.from({ length: 30 }, (_, i) => {
      const first = nextWall(cron, Date.UTC(2026, i, (i * 7) % 28, i));
      return [first, nextWall(cron, first + 1)];
    }).flat();
  } catch {
    return undefined;
  }
}

describe('the sentence of a transition', () => {
  const say = (text: string, dst: Dst = {}, zone = 'America/New_York', from = '2026-03-01'): (string | undefined)[] =>
    transitions(zone, Date.parse(from), 2, Date.parse(from) + 366 * 86_400_000).map((each) =>
      describeTransition({ crons: [parseCron(text)], zone, dst }, each),
    );

  test.each([
    ['30 2 * * *', {}, ['2026-03-08 02:30 does not exist in America/New_York: runs at 03:00', undefined]],
    ['30 2 * * *', { gap: 'skip' }, ['2026-03-08 02:30 does not exist in America/New_York: does not run', undefined]],
    [
      '15,45 2 * * *',
      {},
      ['2026-03-08 02:15 and 02:45 do not exist in America/New_York: run once, at 03:00', undefined],
    ],
    ['30 1 * * *', {}, [undefined, '2026-11-01 01:30 occurs twice in America/New_York: runs at the first']],
    [
      '30 1 * * *',
      { fold: 'last' },
      [undefined, '2026-11-01 01:30 occurs twice in America/New_York: runs at the last'],
    ],
    [
      '30 * * * *',
      {},
      [
        '2026-03-08 02:30 does not exist in America/New_York: does not run',
        '2026-11-01 01:30 occurs twice in America/New_York: runs both times',
      ],
    ],
    [
      '*/5 * * * *',
      {},
      [
        '2026-03-08 02:00 to 02:55 (12 times) do not exist in America/New_York: do not run',
        '2026-11-01 01:00 to 01:55 (12 times) occur twice in America/New_York: run both times',
      ],
    ],
    ['0 6 * * *', {}, [undefined, undefined]],
    ['30 2 * * mon-sat', {}, [undefined, undefined]],
  ] satisfies [string, Dst, (string | undefined)[]][])('%s with %j', (text, dst, sentences) => {
    expect(say(text, dst)).toEqual(sentences);
  });

  test('has the date where a day is missing', () => {
    expect(say('0 9,17 * * *', {}, 'Pacific/Apia', '2011-12-01')[0]).toBe(
      '2011-12-30 09:00 and 17:00 do not exist in Pacific/Apia: run once, at 2011-12-31 00:00',
    );
  });

  test('is not given for a holiday', () => {
    const calendar = calendarSchema.parse({ weekend: ['sun'] });
    const [change] = transitions('America/New_York', Date.UTC(2026, 2, 1), 1, Date.UTC(2027, 0, 1));
    const schedule = {
      crons: [parseCron('30 2 * * *')],
      zone: 'America/New_York',
      holidays: { calendar, on: 'skip' as const },
    };
    expect(change && describeTransition(schedule, change)).toBeUndefined();
  });
});
