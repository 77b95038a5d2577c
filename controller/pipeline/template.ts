import type { Values } from '../domain/plan.ts';
import { filled, upToLast } from '../lib/variables.ts';
import { evaluated } from './conditions.ts';

/** `{{ CEL }}` in the texts of an HTTP step. */
const hole = /\{\{(.*?)\}\}/gs;

/** The expressions in a value's texts, with the key path of each. */
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
 * A copy of a value with its texts filled in: `{{ CEL }}` from the run's values, `${NAME}` from the environment. What is
 * filled in is never looked at again, so that an answer of an API cannot ask for a variable. A text that is nothing but one
 * expression becomes its value, a number say. Throws a rejected SluiceError when an expression cannot be worked out.
 */
export function render(
  value: unknown,
  values: Values,
  variables: Readonly<Record<string, string | undefined>>,
): unknown {
  if (typeof value === 'string') {
    const whole = /^\{\{(.*?)\}\}$/s.exec(value);
    if (whole && !(whole[1] as string).includes('}}')) return evaluated((whole[1] as string).trim(), values);
    // Every other part is literal text, whose variables are filled in on their own.
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
