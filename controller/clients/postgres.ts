import { readFileSync } from 'node:fs';
import type { Duplex } from 'node:stream';
import { checkServerIdentity, type PeerCertificate } from 'node:tls';
import pg from 'pg';
import type { PostgresAddress } from '../config/addresses.ts';
import { reasonOf, SluiceError } from '../lib/errors.ts';
import { isTlsTrouble } from './tls.ts';

/** bigint and numeric become JavaScript numbers: counts and sums here stay far below 2^53. */
const types: pg.CustomTypesConfig = {
  getTypeParser: (id: number, format?: 'text' | 'binary') =>
    id === pg.types.builtins.INT8 || id === pg.types.builtins.NUMERIC
      ? Number
      : pg.types.getTypeParser(id, format as 'text'),
};

/** The modes of libpq. The name is checked here, because for an IP address the client would check localhost. */
function tlsOptions({ host, tls }: PostgresAddress): pg.ClientConfig['ssl'] {
  if (!tls) return false;
  const ca = tls.ca === undefined ? {} : { ca: readFileSync(tls.ca) };
  return {
    ...ca,
    rejectUnauthorized: tls.mode !== 'require',
    checkServerIdentity: (_name: string, certificate: PeerCertificate) =>
      tls.mode === 'verify-full' ? checkServerIdentity(host, certificate) : undefined,
  };
}

/**
 * A server that does not complete a connection or a short statement within this time counts as unavailable.
 * Milliseconds.
 */
const answerWithinMs = 10_000;
/** A statement for `client.query` whose work does not grow with the data. */
export const short = (text: string): pg.QueryConfig & { query_timeout: number } => ({
  text,
  query_timeout: answerWithinMs,
});

/** Ends a connection; destroys it when the server does not respond within 1 s. */
export async function closePostgres(client: pg.Client): Promise<void> {
  const { stream } = (client as unknown as { connection: { stream: Duplex } }).connection;
  const cut = setTimeout(() => stream.destroy(), 1000);
  await client.end().catch(() => undefined);
  clearTimeout(cut);
}

const named = (at: PostgresAddress): string => `PostgreSQL at ${at.host}:${at.port}, database "${at.database}"`;

const config = (at: PostgresAddress): pg.ClientConfig => ({
  host: at.host,
  port: at.port,
  database: at.database,
  user: at.user,
  ...(at.password === undefined ? {} : { password: at.password }),
  ssl: tlsOptions(at),
  application_name: 'sluice',
  types,
  connectionTimeoutMillis: answerWithinMs,
  keepAlive: true,
  options: '-c timezone=UTC -c standard_conforming_strings=on -c datestyle=ISO',
});

/**
 * A connected client; end it with `closePostgres`. Throws `unavailable` when the server does not respond, `rejected`
 * when it refuses.
 */
export async function connectPostgres(at: PostgresAddress, more: pg.ClientConfig = {}): Promise<pg.Client> {
  const client = new pg.Client({ ...config(at), ...more });
  // Without a listener, a connection lost while idle would end the process. The next query reports it.
  client.on('error', () => undefined);
  try {
    await client.connect();
    return client;
  } catch (error) {
    throw explain(error, at);
  }
}

/** A pool for frequent queries; it connects on demand. */
export function postgresPool(at: PostgresAddress, more: pg.PoolConfig = {}): pg.Pool {
  const pool = new pg.Pool({ ...config(at), max: 4, allowExitOnIdle: true, ...more });
  pool.on('error', () => undefined);
  // A connection that is in use but between two queries also reports its loss as an event.
  pool.on('connect', (client) => client.on('error', () => undefined));
  return pool;
}

/** Turns an error of pg into one with a hint for people. Rethrows errors of this program. */
export function explain(error: unknown, at: PostgresAddress): SluiceError {
  if (error instanceof SluiceError) return error;
  if (error instanceof TypeError || error instanceof RangeError) throw error;
  const code = (error as { code?: string }).code ?? (error as AggregateError).errors?.[0]?.code;
  const answer = reasonOf(error);
  if (code === '28P01' || code === '28000') {
    return new SluiceError(`${named(at)} refuses user "${at.user}": wrong credentials`, {
      kind: 'rejected',
      hint: 'check user and password in conf/connections.yaml',
      cause: error,
    });
  }
  if (code === '3D000') {
    return new SluiceError(`${named(at)} does not exist`, {
      kind: 'rejected',
      hint: 'create it, or correct conf/connections.yaml',
      cause: error,
    });
  }
  if (isTlsTrouble(error)) {
    return new SluiceError(`${named(at)}: no TLS as sslmode ${at.tls?.mode} requires it: ${answer}`, {
      kind: 'rejected',
      hint: 'give its authority as sslrootcert, correct the host, or say another sslmode in conf/connections.yaml',
      cause: error,
    });
  }
  // These are temporary: shutdown, connection errors, exhausted resources, serialization failures, a standby server.
  if (code?.match(/^[0-9A-Z]{5}$/) && !/^(57P|08|53|40|25006)/.test(code)) {
    return new SluiceError(`${named(at)}: ${answer}`, { kind: 'rejected', cause: error });
  }
  if (code?.startsWith('53')) {
    return new SluiceError(`${named(at)} is out of disk or connections: ${answer}`, {
      kind: 'unavailable',
      hint: 'free disk space or connections on the server',
      cause: error,
    });
  }
  return new SluiceError(`${named(at)} cannot be reached: ${answer}`, {
    kind: 'unavailable',
    hint: 'start it (`sluice up` for the local one) or correct conf/connections.yaml',
    cause: error,
  });
}
