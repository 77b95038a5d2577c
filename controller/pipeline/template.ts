import type { Values } from '../domain/plan.ts';
import { rejected } from '../lib/errors.ts';
import { filled, upToLast } from '../lib/variables.ts';
import { evaluated } from './conditions.ts';

/** `{{ CEL }}` in the texts of HTTP steps and of triggers. */
const hole = /\{\{(.*?)\}\}/gs;

/** The expressions in a value's texts, each with its key path. */
export function expressionsIn(
  value: unknown,
  path: readonly PropertyKey[] = [],
): { path: readonly PropertyKey[]; expression: string }[] {
  if (typeof value === 'string')
    return [...upToLast('}}', value)[0].matchAll(hole)].map((match) => ({
      path,
      expression: (match[1] as string).trim(),
    }));
  if (value === null || typeof value !== 'object') return [];
  return Object.entries(value).flatMap(([key, item]) =>
    expressionsIn(item, [...path, Array.isArray(value) ? Number(key) : key]),
  );
}

/**
 * A copy of a value with its texts filled in: `{{ CEL }}` from the run's values, `${NAME}` from the environment.
 * Filled-in text is not scanned again, so the response of an API cannot request a variable. A text that is exactly one
 * expression becomes its value, which may be a number. Throws a rejected SluiceError when an expression cannot be
 * evaluated.
 */
export function render(
  value: unknown,
  values: Values,
  variables: Readonly<Record<string, string | undefined>>,
): unknown {
  if (typeof value === 'string') {
    const whole = /^\{\{(.*?)\}\}$/s.exec(value);
    if (whole && !(whole[1] as string).includes('}}')) return evaluated((whole[1] as string).trim(), values);
    // Every other part is literal text, whose variables are filled in separately.
    const [some, rest] = upToLast('}}', value);
    const parts = some.split(hole);
    const last = (parts.pop() ?? '') + rest;
    return [...parts, last]
      .map((part, i) => (i % 2 === 0 ? filled(part, variables, () => '') : text(evaluated(part.trim(), values))))
      .join('');
  }
  if (Array.isArray(value)) return value.map((item) => render(item, values, variables));
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, render(item, values, variables)]));
}

const text = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));

/** Values in the name of a file: nothing that leads to another folder or is a pattern. */
const safe = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;

/**
 * A source with `{{ CEL }}` in its texts filled in. Throws a rejected SluiceError for a value that is no plain part of a
 * name.
 */
export function renderSource<S extends object>(source: S, values: Values): S {
  const fields = Object.entries(source).map(([field, value]) => {
    if (typeof value !== 'string' || !value.includes('{{')) return [field, value];
    const filledIn = value.replace(hole, (_, expression: string) => {
      const part = text(evaluated(expression.trim(), values));
      if (safe.test(part) && !part.includes('..')) return part;
      throw rejected(
        `${field}: the value of {{ ${expression.trim()} }} is ${JSON.stringify(part.slice(0, 60))}, which is no part of a name`,
        'use a value of letters, digits, dots, hyphens and underscores',
      );
    });
    return [field, filledIn];
  });
  return Object.fromEntries(fields) as S;
}
