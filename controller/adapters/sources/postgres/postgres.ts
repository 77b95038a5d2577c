import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { closePostgres, connectPostgres, explain, short } from '../../../clients/postgres.ts';
import { identifier, tableName } from '../../../clients/sql.ts';
import type { PostgresAddress } from '../../../config/addresses.ts';
import type { SourceReader } from '../../../domain/ports/source.ts';
import type { Example, Profile } from '../../../domain/profile.ts';
import { rejected } from '../../../lib/errors.ts';
import type { SnapshotOptions } from '../../../snapshot/snapshot.ts';
import { copyTable } from './copy.ts';
import type { PostgresPin, PostgresSource } from './driver.ts';
import { describeTable, type Table } from './table.ts';

interface Session {
  readonly client: pg.Client;
  readonly snapshot: string;
  readonly visible: string;
}

/**
 * Tables and views of PostgreSQL, measured by the server. All sources of one connection are read in one read-only
 * snapshot. It is exported and stays open until close(), so that Spark reads the same rows.
 */
export function postgresReader(
  addressOf: (connection: string) => PostgresAddress,
  scratch = '',
  snapshots?: SnapshotOptions,
): SourceReader {
  const sessions = new Map<string, Promise<Session>>();
  const turns = new Map<string, Promise<unknown>>();
  /** Sources of one connection take turns: a snapshot belongs to one connection, which runs one query at a time. */
  function inTurn<T>(connection: string, work: (session: Session) => Promise<T>): Promise<T> {
    const open = sessions.get(connection) ?? openSession(addressOf(connection), () => sessions.delete(connection));
    sessions.set(connection, open);
    open.catch(() => sessions.delete(connection));
    const begun = async (): Promise<T> => {
      try {
        return await work(await open);
      } catch (error) {
        throw explain(error, addressOf(connection));
      }
    };
    const turn = (turns.get(connection) ?? open).then(begun, begun);
    turns.set(connection, turn);
    return turn;
  }
  return {
    async profile(name, source, earlier) {
      const table = source as PostgresSource;
      const address = addressOf(table.postgres);
      const { relation, isNew, pin } = await inTurn(table.postgres, async ({ client, snapshot, visible }) => {
        const described = await describeTable(client, name, table);
        const before = earlier?.pin.kind === 'postgres' ? (earlier.pin as PostgresPin) : undefined;
        const seen = before?.table === table.table && !earlier?.again && described.plain;
        return {
          relation: described,
          isNew: seen
            ? `NOT pg_visible_in_snapshot(xmin::text::xid8, ${client.escapeLiteral(before.visible)})`
            : 'true',
          pin: { kind: 'postgres', table: table.table, snapshot, visible, pages: described.pages } as PostgresPin,
        };
      });
      if (snapshots && relation.bytes <= snapshots.maximumBytes) {
        const { snapshot } = pin;
        // Copies use connections of their own, so that tables are read concurrently.
        const copied = await copyTable({
          name,
          source: table,
          table: relation,
          isNew,
          snapshot,
          address,
          scratch,
          snapshots,
        });
        if (copied)
          return { measures: copied.measures, examples: copied.examples, pin: { ...pin, kept: copied.snapshot } };
      }
      return inTurn(table.postgres, async ({ client }) => {
        const measures = await measure(client, table, relation, isNew);
        checkForJdbc(name, relation, measures);
        return { measures, examples: await examples(client, table, relation), pin };
      });
    },
    async isReadable(source, pin) {
      const address = addressOf((source as PostgresSource).postgres);
      const client = await connectPostgres(address);
      try {
        await client.query('BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY');
        await client.query(`SET TRANSACTION SNAPSHOT ${client.escapeLiteral((pin as PostgresPin).snapshot)}`);
        return true;
      } catch (error) {
        // invalid_parameter_value, undefined_object: the snapshot does not exist (any more).
        if (['22023', '42704'].includes((error as { code?: string }).code ?? '')) return false;
        throw explain(error, address);
      } finally {
        await closePostgres(client);
      }
    },
    async close() {
      const ended = [...sessions.values()].map((open) =>
        open.then(({ client }) => closePostgres(client)).catch(() => undefined),
      );
      sessions.clear();
      // Waits up to 2 s for connections that are still being opened.
      await Promise.race([Promise.all(ended), sleep(2000, undefined, { ref: false })]);
    },
  };
}

async function openSession(address: PostgresAddress, lost: () => void): Promise<Session> {
  const client = await connectPostgres(address);
  client.on('end', lost);
  try {
    await client.query(short('BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY'));
    // Spark needs the snapshot for long, so the server's idle limit must not end it.
    await client.query(short('SET LOCAL idle_in_transaction_session_timeout = 0'));
    const { rows } = await client.query(
      short('SELECT pg_export_snapshot() AS snapshot, pg_current_snapshot()::text AS visible'),
    );
    return { client, ...rows[0] };
  } catch (error) {
    await closePostgres(client);
    throw explain(error, address);
  }
}

/**
 * For a table that Spark reads itself: throws a rejected SluiceError for columns and values that its JDBC reader would
 * change.
 */
function checkForJdbc(name: string, { columns }: Table, { invalidByReason }: Profile['measures']): void {
  const hint = 'read it through a view that gives what Spark can hold, or exclude those rows there';
  const quote = columns.find((column) => column.name.includes('"'));
  if (quote)
    throw rejected(
      `${name}: column ${JSON.stringify(quote.name)} of a table too large for a snapshot has a quote`,
      hint,
    );
  for (const { says } of columns.flatMap((column) => column.unfit)) {
    const rows = invalidByReason[says];
    if (rows !== undefined) throw rejected(`${name}: ${rows} rows of a table that Spark reads itself: ${says}`, hint);
  }
}

async function measure(
  client: pg.Client,
  source: PostgresSource,
  { columns, reason, bytes }: Table,
  isNew: string,
): Promise<Profile['measures']> {
  const from = `${tableName(source.table)} t`;
  const times = columns.filter((column) => column.isTime);
  const counts = [
    ...columns.map((c, i) => `count(*) - count(${identifier(c.name)}) AS n${i}`),
    ...times.map((c, i) => `max(${identifier(c.name)}) FILTER (WHERE (${reason}) IS NULL) AS t${i}`),
    // A view has no size of its own.
    ...(bytes === 0 ? ['coalesce(sum(pg_column_size(t.*)), 0)::bigint AS size'] : []),
  ].join(', ');
  const groups = await client.query(
    `SELECT ${reason} AS reason, count(*) AS rows, count(*) FILTER (WHERE ${isNew}) AS new, ${counts} FROM ${from} GROUP BY 1`,
  );
  const duplicates = await client.query(
    `SELECT count(*) - count(DISTINCT ${identifier(source.key)}) AS n FROM ${from} WHERE (${reason}) IS NULL`,
  );
  const sum = (field: string): number => groups.rows.reduce((total, row) => total + row[field], 0);
  const invalidByReason = Object.fromEntries(
    groups.rows.filter((row) => row.reason !== null).map((row) => [row.reason, row.rows]),
  ) as Record<string, number>;
  const invalid = Object.values(invalidByReason).reduce((a, b) => a + b, 0);
  return {
    rows: sum('rows'),
    valid: sum('rows') - invalid,
    invalid,
    invalidByReason,
    nulls: Object.fromEntries(columns.map((c, i) => [c.name, sum(`n${i}`)])),
    duplicates: duplicates.rows[0].n,
    bytes: bytes === 0 ? sum('size') : bytes,
    new: sum('new'),
    latest: Object.fromEntries(times.flatMap((c, i) => latestOf(c.name, groups.rows, `t${i}`))),
  };
}

function latestOf(name: string, groups: readonly pg.QueryResultRow[], field: string): [string, string][] {
  const value = groups.find((group) => group.reason === null)?.[field];
  return value === null || value === undefined ? [] : [[name, new Date(value).toISOString()]];
}

async function examples(client: pg.Client, source: PostgresSource, { reason }: Table): Promise<Example[]> {
  const { rows } = await client.query(
    `SELECT (${reason}) AS reason, ${identifier(source.key)}::text AS key, left(to_jsonb(t.*)::text, 200) AS text
     FROM ${tableName(source.table)} t WHERE (${reason}) IS NOT NULL LIMIT 4`,
  );
  return rows.map((row) => ({
    reason: row.reason,
    where: `${source.table} ${source.key}=${row.key ?? 'NULL'}`,
    text: row.text,
  }));
}
