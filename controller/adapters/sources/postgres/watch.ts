import { closePostgres, connectPostgres, explain } from '../../../clients/postgres.ts';
import { identifier, tableName } from '../../../clients/sql.ts';
import type { PostgresAddress } from '../../../config/addresses.ts';
import type { SourceWatch } from '../../source-watch.ts';
import type { PostgresSource } from './driver.ts';

/** How long a query may take. Milliseconds. */
const queryMs = 20_000;

/** Looks at tables. A column should have an index. */
export const tableWatch = (addressOf: (connection: string) => PostgresAddress): SourceWatch => ({
  async newest(source, column, after, limit) {
    const { postgres, table } = source as PostgresSource;
    const address = addressOf(postgres);
    const [from, name] = [tableName(table), identifier(column)];
    const client = await connectPostgres(address);
    try {
      await client.query(`SET statement_timeout = ${queryMs}`);
      const { rows } = await client.query(
        after === undefined
          ? `SELECT max(${name})::text AS newest, 0 AS rows FROM ${from}`
          : `SELECT (SELECT max(${name})::text FROM ${from}) AS newest,
               (SELECT count(*) FROM (SELECT FROM ${from} WHERE ${name} > $1 LIMIT ${Math.ceil(limit)}) newer) AS rows,
               (SELECT max(${name}) < $1 FROM ${from}) AS back`,
        after === undefined ? [] : [after],
      );
      const [{ newest, rows: count, back = false }] = rows;
      return { newest: newest ?? undefined, rows: Number(count), isBack: back === true };
    } catch (error) {
      throw explain(error, address);
    } finally {
      await closePostgres(client);
    }
  },
});
