import { describe, expect, test, vi } from 'vitest';
import { didYouMean } from '../../../controller/lib/suggest.ts';
import { filled, variablesIn } from '../../../controller/lib/variables.ts';
import { evaluated, holds } from '../../../controller/pipeline/conditions.ts';
import { expressionsIn, render } from '../../../controller/pipeline/template.ts';
import { good, problems } from '../../pipeline/files.ts';

const many = (n: number, line: (i: number) => string): string => Array.from({ length: n }, (_, i) => line(i)).join('');
const stepsOf = (text: string): string => good.replace(/steps:[\s\S]*notify:/, `steps:\n${text}notify:`);
const spark = 'spark: { sql: marts.sql }';

describe('a file that is designed to waste time is refused at once', () => {
  test.each([
    ['a long text', `${good}description: "${'x'.repeat(70_000)}"\n`, ['24:14: a text is longer than 64 KiB']],
    [
      'holes without an end',
      `${good}description: "${'{{'.repeat(200_000)}"\n`,
      ['24:14: a text is longer than 64 KiB'],
    ],
    [
      'unknown keys',
      good + many(60_000, (i) => `k${i}: 1\n`),
      ['1:1: there are 60006 entries, the most that can be are 1000'],
    ],
    [
      'columns',
      good.replace('updated_at: timestamp', `updated_at: timestamp${many(40_000, (i) => `, c${i}: string`)}`),
      ['6:14: there are 40004 entries, the most that can be are 1000'],
    ],
    [
      'steps',
      stepsOf(many(900, (i) => `  s${i}: { needs: [t${i}], ${spark} }\n`)),
      ['14:3 steps: there are 900 steps, the most that can be are 500'],
    ],
    ['needs', stepsOf(many(500, (i) => `  s${i}: { ${i === 0 ? '' : `needs: [s${i - 1}], `}${spark} }\n`)), []],
  ])('%s', async (_what, text, expected) => {
    expect(await problems(text)).toEqual(expected);
  });

  test('with hundreds of wrong names: the first fifty are reported', async () => {
    const found = await problems(
      stepsOf(many(400, (i) => `  s${i}: { needs: [x, y, z, ${'q'.repeat(500)}], ${spark} }\n`)),
    );
    expect(found).toHaveLength(50);
    expect(found[0]).toContain('steps.s0.needs[0]: there is no step "x"');
  });

  test('with hundreds of wrong values: the first fifty are reported', async () => {
    const columns = many(900, (i) => `, c${i}: strnig`);
    expect(await problems(good.replace('updated_at: timestamp', `updated_at: timestamp${columns}`))).toHaveLength(50);
  });

  test('a text with many openings that are never closed', () => {
    expect(expressionsIn('{{'.repeat(300_000))).toEqual([]);
    expect(variablesIn('${a:-'.repeat(200_000))).toEqual([]);
    expect(didYouMean('x'.repeat(60_000), ['x'.repeat(59_999)])).toBe('');
  });
});

test('texts are filled in exactly', () => {
  const environment = { A: 'a' };
  expect(filled('${A} ${B:-{"x":1} ${', environment, () => '?')).toBe('a {"x":1 ${');
  expect(filled('${A}-${B}-${C:-}', environment, (name) => name)).toBe('a-B-');
  expect(render('{{ 1 + 1 }} ${A} {{ "b" }} {{ ${A', {}, environment)).toBe('2 a b {{ ${A');
  expect(render('${A} {{', {}, environment)).toBe('a {{');
});

describe('an expression that would run for minutes', () => {
  const many10 = { ten: Array.from({ length: 10 }, (_, i) => BigInt(i)) };
  const nested = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j'].reduce(
    (inner, name) => `ten.all(${name}, ${inner})`,
    'true',
  );

  test.each([
    ['a pattern that backtracks', `"${'a'.repeat(40)}!".matches("^(a+)+$")`],
    ['loops in loops', nested],
  ])('%s is given up, as the pipeline’s fault', (_what, expression) => {
    expect(() => holds(expression, many10)).toThrow(expect.objectContaining({ kind: 'rejected' }));
  });

  test('does not prevent the next one from running', () => {
    expect(() => holds(nested, many10)).toThrow(/takes longer than 500 ms/);
    expect(holds('"abc".matches("^a")', {})).toBe(true);
    expect(evaluated('1 + 1', {})).toBe(2);
  });
});

describe('a typo in a file is reported without a crash', () => {
  test.each([
    [
      'an unknown kind of failure',
      good.replace('fallback: poorer', 'retry: { on: { lost-exekutor: 5 } }'),
      '19:20 steps.marts.retry.on.lost-exekutor: unknown key "lost-exekutor" — did you mean "lost-executor"?',
    ],
    ['an anchor that contains itself', `${good}description: &a [*a]\n`, '24:18: *a contains itself'],
    ['an anchor deep in itself', `${good}description: &a { b: [{ c: *a }] }\n`, '24:28: *a contains itself'],
    ['a key that is there twice', `${good}name: other\n`, '24:1: the key "name" is there twice'],
    ['a map as a key', `${good}{ a: 1 }: 2\n`, '24:1: a name must be a text'],
    [
      'a name that JavaScript keeps',
      good.replace('delivery_id: bigint', '__proto__: bigint'),
      '6:16: "__proto__" cannot be a name',
    ],
    [
      'a source named as every object has one',
      good.replace('expect: deliveries.rows > 0', 'rows: constructor, where: 1 = 1'),
      '9:28 checks[0].rows: there is no source "constructor"',
    ],
    [
      'a word that is missing',
      good.replace(', otherwise: fail', ''),
      '9:5 checks[0].otherwise: is missing; expected one of fail, quarantine, warn',
    ],
  ])('%s', async (_what, text, expected) => {
    expect((await problems(text)).join('\n')).toContain(expected);
  });

  test('control characters of a terminal are made visible', async () => {
    const found = await problems(`${good}"\\e]0;title\\a\\n\\u202e": 1\n`);
    expect(found).toHaveLength(1);
    expect(found[0]).toContain('unknown key "\\u001b]0;title\\u0007\\n\\u202e"');
  });

  test('nothing else is printed', async () => {
    const warned = vi.spyOn(process, 'emitWarning');
    await problems(`${good}? [a, b]\n: 1\n`);
    expect(warned).not.toHaveBeenCalled();
  });
});
