import { z } from 'zod';
import { tableName } from '../../../clients/sql.ts';
import { addressesOf, jdbcUrl } from '../../../config/addresses.ts';
import type { Pin } from '../../../domain/profile.ts';
import { columns, identifier } from '../../../pipeline/schema.ts';
import { reasonSql, rulesOf, spark } from '../../../snapshot/rules.ts';
import { tableDataset } from '../../datasets.ts';
import type { SourceDriver } from '../../drivers.ts';

const spec = z.strictObject({
  postgres: z.string().describe('A connection of conf/connections.yaml'),
  table: z
    .string()
    .regex(/^[a-z_][a-z0-9_]*(\.[a-z_][a-z0-9_]*)?$/, 'must be table or schema.table')
    .describe('`table` or `schema.table`; a view is one, too'),
  key: identifier.describe('The column that identifies a row'),
  columns: columns.optional().describe('Rules for some of its columns; the types are the table’s own'),
});
export type PostgresSource = z.output<typeof spec>;

/** A table as an exported snapshot shows it. */
export interface PostgresPin extends Pin {
  readonly kind: 'postgres';
  readonly table: string;
  /** The exported snapshot; readable while the source reader that exported it is open. */
  readonly snapshot: string;
  /** pg_current_snapshot(): identifies newer rows, long after the exported snapshot has ended. */
  readonly visible: string;
  /** Pages of 8 KiB, for reading in even ranges; 0 for a view. */
  readonly pages: number;
}

/** Tables and views of PostgreSQL. */
export const postgresSource: SourceDriver = {
  kind: 'postgres',
  spec,
  isTable: true,
  connection: { section: 'postgres', at: ['postgres'] },
  check(source, project) {
    addressesOf(project).postgres((source as PostgresSource).postgres);
  },
  async open({ project, scratch, snapshots }) {
    const { postgresReader } = await import('./postgres.ts');
    return postgresReader(addressesOf(project).postgres, scratch, snapshots);
  },
  async watch({ project }) {
    const { tableWatch } = await import('./watch.ts');
    return tableWatch(addressesOf(project).postgres);
  },
  dataset(source, project) {
    const { postgres, table } = source as PostgresSource;
    const name = table.includes('.') ? table : `public.${table}`;
    return tableDataset(addressesOf(project).postgres(postgres), name);
  },
  input({ name, source, pin, partitions }, project) {
    const address = addressesOf(project).postgres((source as PostgresSource).postgres);
    const { table, snapshot, pages } = pin as PostgresPin;
    return {
      databases: [address],
      input: {
        name,
        kind: 'postgres',
        url: jdbcUrl(address),
        user: address.user,
        table: tableName(table),
        snapshot,
        predicates: pageRanges({ pages }, partitions),
        reason: reasonSql(rulesOf(source), spark, false),
      },
    };
  },
};

/** Even page ranges of a table as SQL predicates. The last range is open; a view has one. */
export function pageRanges({ pages }: Pick<PostgresPin, 'pages'>, partitions: number): string[] {
  const ranges = Math.max(1, Math.min(partitions, pages));
  if (ranges === 1) return ['true'];
  const bound = (i: number): string => `'(${Math.floor((pages * i) / ranges)},0)'::tid`;
  return Array.from({ length: ranges }, (_, i) =>
    i === ranges - 1 ? `ctid >= ${bound(i)}` : `ctid >= ${bound(i)} AND ctid < ${bound(i + 1)}`,
  );
}
