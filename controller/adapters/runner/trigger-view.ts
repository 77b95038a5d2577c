import { sparkIdentifier, sparkLiteral } from '../../clients/sql.ts';
import type { Cause } from '../../domain/events.ts';
import type { Pipeline } from '../../domain/pipeline.ts';

/**
 * The SQL of the view `trigger`: one row with what started the run, and the values of `with`. Empty when the SQL does
 * not name it, or has a source of that name. Values are literals, so that they can never be more than values.
 */
export function triggerView(sql: string, { sources, triggers = {} }: Pipeline, cause: Cause | undefined): string {
  if (!/\btrigger\b/i.test(sql) || Object.hasOwn(sources, 'trigger')) return '';
  const { kind = 'command', trigger: name, key, due, time } = cause ?? {};
  const at = due === undefined ? undefined : new Date(due).toISOString();
  const wall = time ?? at?.slice(0, 16);
  const known = [
    [textOf(kind), 'kind'],
    [textOf(name), 'name'],
    [textOf(key), 'key'],
    [`CAST(${textOf(at?.slice(0, 19).replace('T', ' '))} AS TIMESTAMP)`, 'due'],
    [textOf(wall), 'time'],
    [`CAST(${textOf(wall?.slice(0, 10))} AS DATE)`, 'date'],
  ];
  const names = new Set(Object.values(triggers).flatMap((each) => Object.keys(each.with ?? {})));
  const values = [...names].map((each) => [textOf(cause?.with?.[each]), each]);
  const columns = [...known, ...values].map(([value, column]) => `${value} AS ${sparkIdentifier(column ?? '')}`);
  return `CREATE OR REPLACE TEMPORARY VIEW \`trigger\` AS SELECT ${columns.join(', ')};\n`;
}

/** A value as text; CAST keeps NULL a text, too. */
const textOf = (value: unknown): string =>
  value === undefined || value === null
    ? 'CAST(NULL AS STRING)'
    : sparkLiteral(typeof value === 'string' ? value : JSON.stringify(value));
