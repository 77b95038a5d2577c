import { z } from 'zod';
import { milliseconds } from '../../../lib/duration.ts';
import { rejected } from '../../../lib/errors.ts';
import { duration, identifier } from '../../../pipeline/schema.ts';
import type { TriggerDriver } from '../../drivers.ts';
import { needsSource, watched } from '../sources.ts';
import { isEnough, poll } from '../unread.ts';

const spec = z.strictObject({
  table: identifier.describe('A postgres source of this pipeline'),
  column: identifier.describe('A column that grows, such as updated_at or id; it should have an index'),
  rows: z.int().min(1).max(1_000_000).default(1).describe('How many newer rows start a run'),
  within: duration.optional().describe('Fewer start one when the first of them was seen so long ago'),
  poll: poll('1m'),
});
type Fields = z.output<typeof spec>;

/** What is accounted for. */
interface Cursor {
  /** The newest value, as text. */
  readonly newest: string | undefined;
  /** When rows after it were first seen. Milliseconds since 1970. */
  readonly since?: number | undefined;
}

/** Fires when a table has rows with newer values of a column than it had before. */
export const tableTrigger: TriggerDriver = {
  kind: 'table',
  spec,
  facts: { rows: 'int', newest: 'string' },
  broken: needsSource('table', 'postgres'),

  async poll(trigger, { cursor: before, now }, context) {
    const { table, column, rows: least, within, poll: every } = trigger as unknown as Fields;
    const { source, watch } = await watched(table, context);
    const cursor = before as Cursor | undefined;
    const found = await watch.newest?.(source, column, cursor?.newest, least);
    const next = now + milliseconds(every);
    if (!found || !cursor) return { firings: [], cursor: { newest: found?.newest }, next };
    const { newest, isBack } = found;
    if (isBack)
      throw rejected(
        `the newest ${column} of ${table} is ${newest}, and was ${cursor.newest}`,
        'if the table was restored on purpose, reset the trigger with `sluice triggers reset`',
      );
    // A table that was empty has nothing to compare with.
    const rows = cursor.newest === undefined && newest !== undefined ? least : found.rows;
    const since = cursor.since ?? now;
    if (rows === 0 || newest === undefined) return { firings: [], cursor: { newest: cursor.newest }, left: 0, next };
    if (!isEnough(rows, { least, within }, since, now))
      return { firings: [], cursor: { ...cursor, since }, left: rows, next };
    const firing = { key: `${column}=${newest}`, due: now, facts: { rows, newest } };
    return { firings: [firing], cursor: { newest }, left: 0, next };
  },

  describe(trigger) {
    const { table, column, rows, within } = trigger as unknown as Fields;
    const some = rows === 1 ? 'a row' : `${rows} rows`;
    return `when ${table} has ${some} with a newer ${column}${within === undefined ? '' : `, or fewer for ${within}`}`;
  },
};
