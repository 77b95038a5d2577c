import type pg from 'pg';
import type { PostgresAddress } from '../config/project.ts';
import { connectPostgres, explain, quoted } from '../connect/postgres.ts';
import { rejected } from '../errors.ts';
import { type Column, columnsOf, type Source } from '../pipeline/schema.ts';
import { didYouMean } from '../pipeline/suggest.ts';
import type { Keeping } from './keep.ts';
import type { Example, PostgresPin, Profile, SourceProbe } from './port.ts';
import { copyTable } from './postgres-copy.ts';
import { postgres, reasonSql, rulesOf } from './rules.ts';

type PostgresSource = Extract<Source, { postgres: string }>;

interface Session {
  readonly client: pg.Client;
  readonly snapshot: string;
  readonly visible: string;
}

/**
 * Tables and views of PostgreSQL, measured by the server itself. All sources of one connection are read in one
 * read-only snapshot, which is exported and stays open until close(), so that Spark can read the very same rows.
 */
export function postgresProbe(
  addressOf: (connection: string) => PostgresAddress,
  scratch = '',
  keeping?: Keeping,
): SourceProbe {
  const sessions = new Map<string, Promise<Session>>();
  const turns = new Map<string, Promise<unknown>>();
  /** One source after the other: a snapshot belongs to one connection, and that does one query at a time. */
  function inTurn<T>(connection: string, work: (session: Session) => Promise<T>): Promise<T> {
    const open = sessions.get(connection) ?? begin(addressOf(connection), () => sessions.delete(connection));
    sessions.set(connection, open);
    open.catch(() => sessions.delete(connection));
    const turn = (turns.get(connection) ?? open).then(
      async () => work(await open),
      async () => work(await open),
    );
    turns.set(connection, turn);
    return turn;
  }
  return {
    async profile(name, source, earlier) {
      const table = source as PostgresSource;
      const address = addressOf(table.postgres);
      const { relation, isNew, pin } = await inTurn(table.postgres, async ({ client, snapshot, visible }) => {
        const described = await describe(client, name, table);
        const before = earlier?.pin;
        const seen = before?.kind === 'postgres' && before.table === table.table && !earlier?.again && described.plain;
        return {
          relation: described,
          isNew: seen
            ? `NOT pg_visible_in_snapshot(xmin::text::xid8, ${client.escapeLiteral(before.visible)})`
            : 'true',
          pin: { kind: 'postgres', table: table.table, snapshot, visible, pages: described.pages } as PostgresPin,
        };
      });
      if (keeping && relation.bytes <= keeping.upToBytes) {
        const reason = reasonSql(relation.rules, postgres, false);
        const { key } = table;
        const { bytes } = relation;
        const { snapshot } = pin;
        // In connections of their own, so that tables are read side by side.
        const copied = await copyTable({
          name,
          table: table.table,
          key,
          bytes,
          reason,
          isNew,
          snapshot,
          address,
          scratch,
          keeping,
        });
        if (copied) return { measures: copied.measures, examples: copied.examples, pin: { ...pin, kept: copied.kept } };
      }
      return inTurn(table.postgres, async ({ client }) => ({
        measures: await measure(client, table, relation, isNew),
        examples: await examples(client, table, relation),
        pin,
      }));
    },
    async sample(name, source, n) {
      const table = source as PostgresSource;
      const { rows } = await inTurn(table.postgres, async ({ client }) => {
        await describe(client, name, table);
        return client.query(`SELECT to_jsonb(t) AS row FROM ${quoted(table.table)} t LIMIT ${n}`);
      });
      return rows.map(({ row }) =>
        Object.fromEntries(Object.entries(row).map(([k, v]) => [k, v === null ? null : String(v)])),
      );
    },
    async holds(source, pin) {
      if (!('postgres' in source) || pin.kind !== 'postgres') return true;
      const client = await connectPostgres(addressOf(source.postgres));
      try {
        await client.query('BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY');
        await client.query(`SET TRANSACTION SNAPSHOT ${client.escapeLiteral(pin.snapshot)}`);
        return true;
      } catch (error) {
        // invalid_parameter_value, undefined_object: there is no such snapshot (any more).
        if (['22023', '42704'].includes((error as { code?: string }).code ?? '')) return false;
        throw explain(error, addressOf(source.postgres));
      } finally {
        await client.end();
      }
    },
    async close() {
      const open = await Promise.allSettled(sessions.values());
      sessions.clear();
      await Promise.all(open.map((each) => (each.status === 'fulfilled' ? each.value.client.end() : undefined)));
    },
  };
}

async function begin(address: PostgresAddress, lost: () => void): Promise<Session> {
  const client = await connectPostgres(address);
  client.on('end', lost);
  await client.query('BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY');
  // The snapshot is held while Spark reads it, so the server's idle limit must not end it.
  await client.query('SET LOCAL idle_in_transaction_session_timeout = 0');
  const { rows } = await client.query(
    'SELECT pg_export_snapshot() AS snapshot, pg_current_snapshot()::text AS visible',
  );
  return { client, ...rows[0] };
}

interface Relation {
  readonly columns: readonly string[];
  /** Those that hold days or moments. */
  readonly times: readonly string[];
  readonly rules: readonly Column[];
  readonly pages: number;
  readonly bytes: number;
  /** A plain table, whose rows have a place (ctid) and an age (xmin). */
  readonly plain: boolean;
}

async function describe(client: pg.Client, name: string, source: PostgresSource): Promise<Relation> {
  const { rows } = await client.query(
    `SELECT c.relkind, pg_relation_size(c.oid) AS bytes, current_setting('block_size')::int AS block,
            array_agg(a.attname::text ORDER BY a.attnum) AS columns,
            array_agg(a.attname::text ORDER BY a.attnum) FILTER (WHERE a.atttypid IN ('date'::regtype, 'timestamp'::regtype, 'timestamptz'::regtype)) AS times
     FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
     WHERE c.oid = to_regclass($1) GROUP BY c.oid, c.relkind`,
    [quoted(source.table)],
  );
  const relation = rows[0];
  if (!relation) {
    const tables = await client.query(
      `SELECT table_name FROM information_schema.tables WHERE table_schema NOT IN ('pg_catalog', 'information_schema')`,
    );
    const known = tables.rows.map((row) => String(row.table_name));
    throw rejected(
      `${name}: there is no table ${source.table} in "${client.database}"${didYouMean(source.table, known)}`,
      'correct the source, or create the table',
    );
  }
  const columns: string[] = relation.columns;
  const declared = columnsOf(source);
  for (const wanted of [source.key, ...declared.map((c) => c.name)]) {
    if (!columns.includes(wanted)) {
      throw rejected(
        `${name}: table ${source.table} has no column ${wanted}${didYouMean(wanted, columns)}`,
        `it has ${columns.join(', ')}`,
      );
    }
  }
  const plain = relation.relkind === 'r' || relation.relkind === 'm';
  return {
    columns,
    times: relation.times ?? [],
    rules: rulesOf(source),
    pages: plain ? Math.ceil(relation.bytes / relation.block) : 0,
    bytes: relation.bytes,
    plain,
  };
}

async function measure(
  client: pg.Client,
  source: PostgresSource,
  relation: Relation,
  isNew: string,
): Promise<Profile['measures']> {
  const reason = reasonSql(relation.rules, postgres, false);
  const counts = [
    ...relation.columns.map((c, i) => `count(*) - count(${quoted(c)}) AS n${i}`),
    ...relation.times.map((c, i) => `max(${quoted(c)}) FILTER (WHERE (${reason}) IS NULL) AS t${i}`),
  ].join(', ');
  const groups = await client.query(
    `SELECT ${reason} AS reason, count(*) AS rows, count(*) FILTER (WHERE ${isNew}) AS new, ${counts}
     FROM ${quoted(source.table)} GROUP BY 1`,
  );
  const duplicates = await client.query(
    `SELECT count(*) - count(DISTINCT ${quoted(source.key)}) AS n FROM ${quoted(source.table)} WHERE (${reason}) IS NULL`,
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
    nulls: Object.fromEntries(relation.columns.map((c, i) => [c, sum(`n${i}`)])),
    duplicates: duplicates.rows[0].n,
    bytes: relation.bytes,
    new: sum('new'),
    latest: Object.fromEntries(relation.times.flatMap((name, i) => latestOf(name, groups.rows, `t${i}`))),
  };
}

function latestOf(name: string, groups: readonly pg.QueryResultRow[], field: string): [string, string][] {
  const value = groups.find((group) => group.reason === null)?.[field];
  return value === null || value === undefined ? [] : [[name, new Date(value).toISOString()]];
}

async function examples(client: pg.Client, source: PostgresSource, relation: Relation): Promise<Example[]> {
  const reason = reasonSql(relation.rules, postgres, false);
  const { rows } = await client.query(
    `SELECT (${reason}) AS reason, ${quoted(source.key)}::text AS key, left(to_jsonb(t)::text, 200) AS text
     FROM ${quoted(source.table)} t WHERE (${reason}) IS NOT NULL LIMIT 4`,
  );
  return rows.map((row) => ({
    reason: row.reason,
    where: `${source.table} ${source.key}=${row.key ?? 'NULL'}`,
    text: row.text,
  }));
}
