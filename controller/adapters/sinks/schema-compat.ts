import { rejected } from '../../lib/errors.ts';

/** A column of a view, with the sink's name of its type. */
export interface Column {
  readonly name: string;
  readonly type: string;
}

/**
 * Throws a rejected SluiceError when a column of the published view is missing from the staged one, or has another
 * type. New columns are allowed.
 */
export function checkSchemaCompatibility(view: string, published: readonly Column[], staged: readonly Column[]): void {
  const changes = published.flatMap(({ name, type }) => {
    const now = staged.find((column) => column.name === name);
    if (!now) return [`${name} is removed`];
    return now.type === type ? [] : [`${name} is ${now.type} instead of ${type}`];
  });
  if (changes.length === 0) return;
  throw rejected(
    `${view} has a breaking schema change: ${changes.join(', ')}`,
    'if it is intended, set schemaChange: allow on the output',
  );
}

/** Throws a rejected SluiceError for a repeated value in a column that the pipeline declares unique. */
export function checkUnique(
  view: string,
  column: string,
  repeated: { value: unknown; times: unknown } | undefined,
): void {
  if (!repeated) return;
  throw rejected(
    `${view}: ${column} must be unique, and ${repeated.value} occurs ${repeated.times} times`,
    'a join multiplies rows: look for a key that is repeated on one of its sides',
  );
}
