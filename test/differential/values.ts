import { literal } from '../../controller/clients/sql.ts';
import { pick, type Random } from '../../controller/demo/random.ts';
import type { ColumnType } from '../../controller/domain/pipeline.ts';

/**
 * One value of a CSV field: its text, and its value in the oracle's SQL; `invalid` when the text is not a value of the
 * type.
 */
export interface Value {
  readonly text: string;
  readonly sql: string | 'invalid';
}

const none: Value = { text: '', sql: 'NULL' };
const whole = (random: Random, from: number, to: number): number => from + Math.floor(random() * (to - from + 1));
const two = (n: number): string => String(n).padStart(2, '0');

const words = [
  'plain',
  'two words',
  ' spaces around ',
  'NULL',
  'null',
  '""',
  'say "hi"',
  'a,b,,c',
  "it's",
  'back\\slash',
  'Ünïcödé',
  'кириллица',
  '日本語',
  '🙂',
  '👩‍👩‍👧',
  'e\u0301',
  'ﬁ',
  'line\nbreak',
  '\ttab',
  '0',
  'true',
  '-',
  ';',
  '#comment',
];
const days = [
  '0001-01-01',
  '1582-10-04',
  '1582-10-15',
  '1600-02-29',
  '1899-12-31',
  '1900-01-01',
  '1969-12-31',
  '1970-01-01',
  '2000-02-29',
  '2024-02-29',
  '2026-03-29',
  '2026-10-25',
  '2038-01-19',
  '9998-12-31',
];
const noDays = ['2023-02-29', '2026-13-01', '2026-00-10', '26-01-01', '2026-1-1', '2026-01-01x', 'yesterday'];

function day(random: Random): string {
  if (random() < 0.5) return pick(random, days);
  return `${whole(random, 1990, 2035)}-${two(whole(random, 1, 12))}-${two(whole(random, 1, 28))}`;
}

/** Microseconds since 1970 of a time in the proleptic Gregorian calendar. */
function micros(
  date: string,
  time: readonly [number, number, number],
  fraction: string,
  offsetMinutes: number,
): bigint {
  const [year = 0, month = 0, of = 0] = date.split('-').map(Number);
  const at = new Date(0);
  at.setUTCFullYear(year, month - 1, of);
  at.setUTCHours(...time);
  return BigInt(at.getTime() - offsetMinutes * 60_000) * 1000n + BigInt(fraction.padEnd(6, '0'));
}

function moment(random: Random): Value {
  const date = day(random);
  // Around the hours that clocks skip and repeat.
  const hours = whole(random, 0, 23);
  const minutes = whole(random, 0, 59);
  const seconds = whole(random, 0, 59);
  const withSeconds = random() < 0.8;
  const fraction =
    withSeconds && random() < 0.4
      ? String(whole(random, 0, 999_999))
          .padStart(6, '0')
          .slice(0, whole(random, 1, 6))
      : '';
  const zone =
    date < '1600' || !withSeconds || random() < 0.5
      ? undefined
      : pick(random, ['Z', '+00:00', '+03:00', '-05:30', '+14:00', '-12:00']);
  const offset =
    zone === undefined || zone === 'Z'
      ? 0
      : (zone[0] === '-' ? -1 : 1) * (Number(zone.slice(1, 3)) * 60 + Number(zone.slice(4)));
  const clock = `${two(hours)}:${two(minutes)}${withSeconds ? `:${two(seconds)}` : ''}${fraction && `.${fraction}`}`;
  const at = micros(date, [hours, minutes, withSeconds ? seconds : 0], fraction, offset);
  return { text: `${date}${pick(random, [' ', 'T'])}${clock}${zone ?? ''}`, sql: `make_timestamp(${at})` };
}

const wrong: Readonly<Record<Exclude<ColumnType, 'string'>, readonly string[]>> = {
  int: ['2147483648', '-2147483649', '1.0', '1e3', ' 1', '0x10', '1_000', 'one', '+1', '--1'],
  bigint: ['9223372036854775808', '-9223372036854775809', '1.', '12345678901234567890123', 'NaN', '١٢'],
  double: ['1e309', '-1e400', '1,5', '.5', '5.', '1e', 'Infinity', 'NaN', '1d', '0x1p3'],
  boolean: ['yes', 't', '1', 'True', 'truE', ' false'],
  date: noDays,
  timestamp: [
    ...noDays,
    '2026-01-01',
    '2026-01-01 24:00:00',
    '2026-01-01 10:60:00',
    '2026-01-01 10:00:00.1234567',
    '2026-01-01 10:00 CET',
    '2026-01-01 10:00Z',
    '2026-01-01 10:00+03:00',
  ],
};

const extremes: Readonly<Record<'int' | 'bigint' | 'double', readonly string[]>> = {
  int: ['0', '-0', '1', '-1', '007', '2147483647', '-2147483648'],
  bigint: ['0', '9007199254740993', '-9007199254740993', '9223372036854775807', '-9223372036854775808'],
  double: [
    '0.1',
    '1e308',
    '-1.7976931348623157e308',
    '4.9e-324',
    '2.2250738585072014E-308',
    '123456789.123456789',
    '3',
    '1E+5',
    '0.30000000000000004',
  ],
};

/** A value of a type: often an extreme one, sometimes NULL, sometimes of another type. */
export function randomValue(random: Random, type: ColumnType, required: boolean): Value {
  const dice = random();
  if (dice < 0.1) return required ? { text: '', sql: 'invalid' } : none;
  if (dice < 0.14 && type !== 'string') return { text: pick(random, wrong[type]), sql: 'invalid' };
  switch (type) {
    case 'string': {
      const text = random() < 0.7 ? pick(random, words) : `${pick(random, words)}${whole(random, 0, 9)}`;
      return { text, sql: literal(text) };
    }
    case 'int':
    case 'bigint':
    case 'double': {
      const text =
        random() < 0.3
          ? pick(random, extremes[type])
          : String(type === 'double' ? random() * 1000 : whole(random, -50, 50));
      return { text, sql: `CAST(${literal(text)} AS ${type.toUpperCase()})` };
    }
    case 'boolean': {
      const text = pick(random, ['true', 'false', 'TRUE', 'FALSE']);
      return { text, sql: text };
    }
    case 'date': {
      const text = day(random);
      return { text, sql: `DATE ${literal(text)}` };
    }
    default:
      return moment(random);
  }
}
