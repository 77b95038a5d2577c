import { rejected } from '../../lib/errors.ts';

/** A column of a view, with its type as the sink calls it. */
export interface Column {
  readonly name: string;
  readonly type: string;
}

/** Throws a rejected SluiceError when readers of a published view would miss a column, or find it of another type. More columns are welcome. */
export function checkSchemaCompatibility(view: string, published: readonly Column[], staged: readonly Column[]): void {
  const changes = published.flatMap(({ name, type }) => {
    const now = staged.find((column) => column.name === name);
    if (!now) return [`${name} is gone`];
    return now.type === type ? [] : [`${name} is ${now.type} instead of ${type}`];
  });
  if (changes.length === 0) return;
  throw rejected(
    `${view} is not what its readers know: ${changes.join(', ')}`,
    'when that is meant, say schemaChange: allow in the output',
  );
}

/** Throws a rejected SluiceError for a row that is there more than once although the pipeline says it is not. */
export function checkUnique(
  view: string,
  column: string,
  repeated: { value: unknown; times: unknown } | undefined,
): void {
  if (!repeated) return;
  throw rejected(
    `${view}: ${column} ${repeated.value} is there ${repeated.times} times, and is to be unique`,
    'a join multiplies rows: look for a key that is repeated on one of its sides',
  );
}
