import { describe, expect, test } from 'vitest';
import { SluiceError } from '../../controller/lib/errors.ts';
import { cronWarnings, nextDay, nextWall, parseCron } from '../../controller/schedule/cron.ts';

const walls = (text: string, from: string, count: number): string[] => {
  const cron = parseCron(text);
  const found: string[] = [];
  for (let at = Date.parse(`${from}Z`); found.length < count; ) {
    const wall = nextWall(cron, at);
    found.push(new Date(wall).toISOString().slice(0, 16));
    at = wall + 1;
  }
  return found;
};
const days = (text: string, from: string, count: number): string[] =>
  walls(text, `${from}T00:00`, count).map((wall) => wall.slice(0, 10));
const errorOf = (text: string): SluiceError => {
  try {
    parseCron(text);
  } catch (error) {
    if (error instanceof SluiceError) return error;
    throw error;
  }
  throw new Error(`${text} was accepted`);
};

describe('a cron expression', () => {
  test.each([
    ['5 4 * * *', '2026-11-30T04:06', ['2026-12-01T04:05', '2026-12-02T04:05']],
    ['*/20 8-9 * * *', '2026-11-30T08:30', ['2026-11-30T08:40', '2026-11-30T09:00', '2026-11-30T09:20']],
    ['50/5 0 * * *', '2026-11-30T00:00', ['2026-11-30T00:50', '2026-11-30T00:55', '2026-12-01T00:50']],
    ['10-20/5,15 0 * * *', '2026-11-30T00:00', ['2026-11-30T00:10', '2026-11-30T00:15', '2026-11-30T00:20']],
    ['0 0 1 JAN,july *', '2026-11-30T00:00', ['2027-01-01T00:00', '2027-07-01T00:00', '2028-01-01T00:00']],
    ['0 0 29 2 *', '2096-03-01T00:00', ['2104-02-29T00:00', '2108-02-29T00:00']],
    [' 0\t12  ? * ? ', '2026-11-30T12:00', ['2026-11-30T12:00', '2026-12-01T12:00']],
    ['0 0 * * *', '1969-12-30T23:59', ['1969-12-31T00:00', '1970-01-01T00:00']],
  ])('%s after %s is due at its wall times', (text, from, expected) => {
    expect(walls(text, from, expected.length)).toEqual(expected);
  });

  test.each([
    ['0 0 L * *', ['2027-01-31', '2027-02-28', '2027-03-31', '2027-04-30']],
    ['0 0 L-3 * *', ['2027-01-28', '2027-02-25', '2027-03-28', '2027-04-27']],
    ['0 0 LW * *', ['2027-01-29', '2027-02-26', '2027-03-31', '2027-04-30', '2027-05-31', '2027-06-30', '2027-07-30']],
    ['0 0 1,l * *', ['2027-01-01', '2027-01-31', '2027-02-01', '2027-02-28']],
    ['0 0 * * mon#2', ['2027-01-11', '2027-02-08', '2027-03-08']],
    ['0 0 * * 5#L', ['2027-01-29', '2027-02-26', '2027-03-26']],
    ['0 0 * * 1#5', ['2027-03-29', '2027-05-31']],
    ['0 0 * * fri-mon', ['2027-01-01', '2027-01-02', '2027-01-03', '2027-01-04', '2027-01-08']],
    ['0 0 * * 6-2/2', ['2027-01-02', '2027-01-04', '2027-01-09']],
    ['0 0 * * 7', ['2027-01-03', '2027-01-10']],
    ['0 0 * * 5-7', ['2027-01-01', '2027-01-02', '2027-01-03', '2027-01-08']],
    ['0 0 * * */3', ['2027-01-02', '2027-01-03', '2027-01-06', '2027-01-09']],
    ['0 0 13 * fri', ['2027-01-01', '2027-01-08', '2027-01-13', '2027-01-15']],
    ['0 0 29 2 1#5', ['2028-02-29', '2032-02-29', '2036-02-29', '2040-02-29', '2044-02-29']],
  ])('%s is due on its days of 2027', (text, expected) => {
    expect(days(text, '2027-01-01', expected.length)).toEqual(expected);
  });

  test.each([
    ['@hourly', '0 * * * *'],
    ['@daily', '0 0 * * *'],
    ['@midnight', '0 0 * * *'],
    ['@Weekly', '0 0 * * 0'],
    ['@monthly', '0 0 1 * *'],
    ['@yearly', '0 0 1 1 *'],
    ['@annually', '0 0 1 1 *'],
  ])('%s is %s', (nickname, full) => {
    expect({ ...parseCron(nickname), text: '' }).toEqual({ ...parseCron(full), text: '' });
  });

  test('means a rate when its hour field begins with *', () => {
    const rates = ['* * * * *', '0 */2 * * *', '0 ? * * *', '@hourly', '0 0-23 * * *', '0 2 * * *', '@daily'];
    expect(rates.filter((text) => parseCron(text).isFrequent)).toEqual(rates.slice(0, 4));
  });

  test('looks 400 years ahead without reading each day', () => {
    const cron = parseCron('0 0 29 2 *');
    const started = performance.now();
    for (let i = 0; i < 1000; i += 1) nextDay(cron, 47_600 + i);
    expect(performance.now() - started).toBeLessThan(5000);
  });
});

describe('a wrong cron expression', () => {
  test.each([
    ['61 * * * *', '"61" in the field minute is not from 0 to 59'],
    ['0 24 * * *', '"24" in the field hour is not from 0 to 23'],
    ['0 0 0 * *', '"0" in the field day of the month is not from 1 to 31'],
    ['0 0 * 13 *', '"13" in the field month is not from 1 to 12 or jan to dec'],
    ['0 0 * * 8', '"8" in the field weekday is not from 0 to 7 or sun to sat'],
    ['0 0 * * monkey', '"monkey" in the field weekday is not from 0 to 7 or sun to sat'],
    ['0 0 * * mo', '"mo" in the field weekday is not from 0 to 7 or sun to sat'],
    ['*/0 * * * *', '"*/0" in the field minute has a step that is not from 1 to 59'],
    ['*/90 * * * *', '"*/90" in the field minute has a step that is not from 1 to 59'],
    ['*/ * * * *', '"*/" in the field minute has a step that is not from 1 to 59'],
    ['*/1e1 * * * *', '"*/1e1" in the field minute has a step that is not from 1 to 59'],
    ['1/2/3 * * * *', '"1/2/3" in the field minute has one / or - too many'],
    ['1-2-3 * * * *', '"1-2-3" in the field minute has one / or - too many'],
    ['-1 * * * *', '"-1" in the field minute is not from 0 to 59'],
    ['1- * * * *', '"1-" in the field minute is not from 0 to 59'],
    ['*-5 * * * *', '"*-5" in the field minute is a range that begins with *'],
    ['1,,2 * * * *', '"1,,2" in the field minute has an empty part'],
    [', * * * *', '"," in the field minute has an empty part'],
    ['０ 0 * * *', '"０" in the field minute is not from 0 to 59'],
    ['99999999999999999999 * * * *', '"99999999999999999999" in the field minute is not from 0 to 59'],
    ['0 0 L-31 * *', '"L-31" in the field day of the month is not L, LW, or L-1 to L-30'],
    ['0 0 * * mon#6', '"mon#6" in the field weekday does not end with #1 to #5 or #L'],
    ['0 0 * * 1#2#3', '"1#2#3" in the field weekday does not end with #1 to #5 or #L'],
    ['0 0 * * #1', '"#1" in the field weekday does not end with #1 to #5 or #L'],
    ['0 0 * * mon-fri#1', '"mon-fri" in the field weekday is not from 0 to 7 or sun to sat'],
    ['\u0007 * * * *', '"\\u0007" in the field minute is not from 0 to 59'],
    ['@dayly', '"@dayly" is not a schedule — did you mean "@daily"?'],
    ['@constructor', '"@constructor" is not a schedule'],
    ['0 0 30 2 *', '"0 0 30 2 *" is never due: no such day exists'],
    ['0 0 31 4,6,9,11 *', '"0 0 31 4,6,9,11 *" is never due: no such day exists'],
    ['0 0 L-30 2 *', '"0 0 L-30 2 *" is never due: no such day exists'],
  ])('%s is refused, with the field and the part', (text, message) => {
    const error = errorOf(text);
    expect(error.message).toBe(message);
    expect(error.kind).toBe('rejected');
  });

  test.each([
    ['5-1 * * * *', 'write 5-59,0-1'],
    ['0 22-2 * * *', 'write 22-23,0-2'],
    ['0 0 1 nov-feb *', 'write 11-12,1-2'],
    ['0 0 * * 5L', 'write 5#L'],
    ['0 0 * * friL', 'write fri#L'],
    ['0 0 15W * *', 'LW is the last day from Monday to Friday'],
    ['@reboot', 'allowed: @hourly, @daily, @midnight, @weekly, @monthly, @yearly, @annually'],
    ['0 0 0 1 1 *', 'there are no seconds and no years: the shortest schedule is every minute'],
    ['* * * *', 'for example "0 6 * * mon-fri"'],
  ])('%s is refused with advice: %s', (text, hint) => {
    expect(errorOf(text).hint).toBe(hint);
  });

  test.each(['', ' ', '\t\n', '*', '* * * * * *', 'MAILTO=x', '@'])('%j is refused', (text) => {
    expect(errorOf(text).kind).toBe('rejected');
  });

  test.each([
    '1,'.repeat(5000),
    '*'.repeat(10_000),
    ' '.repeat(10_000),
    `${'1-'.repeat(5000)} * * * *`,
    'L'.repeat(10_000),
  ])('of thousands of characters is refused at once, in a short message', (text) => {
    expect(errorOf(text).message).toMatch(/^a cron expression has at most 500 characters/);
  });

  test('is quoted in part', () => {
    expect(errorOf(`${'x'.repeat(300)} * * * *`).message.length).toBeLessThan(120);
  });
});

describe('warnings', () => {
  test('say that two day fields are alternatives', () => {
    expect(cronWarnings(parseCron('0 0 1 * mon'))).toEqual([
      '"0 0 1 * mon" gives both a day of the month and a weekday: it runs on days that match either, not only on days that match both',
    ]);
    expect(cronWarnings(parseCron('0 0 */2 * mon'))).toHaveLength(1);
  });

  test('say that short months are left out', () => {
    expect(cronWarnings(parseCron('0 0 31 * *'))).toEqual([
      '"0 0 31 * *" does not run in months without a day 31; the last day of each month is L',
    ]);
    expect(cronWarnings(parseCron('0 0 29 2 *'))).toHaveLength(1);
  });

  test.each([
    '0 0 1 * *',
    '0 0 * * mon',
    '0 0 */1 * mon',
    '0 0 ? * mon',
    '0 0 31 1,3 *',
    '0 0 15,31 * *',
    '0 0 31,L * *',
    '* * * * *',
  ])('are not given for %s', (text) => {
    expect(cronWarnings(parseCron(text))).toEqual([]);
  });
});
