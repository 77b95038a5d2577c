import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { reasonOf, rejected } from '../lib/errors.ts';
import type { KafkaConnection, PostgresConnection } from './connections.ts';
import { type Project, postgresPasswordFile } from './project.ts';
import { serverUrl } from './server-url.ts';

/**
 * TLS of a connection. `ca` is a file of certificates to trust instead of the system's; driver and executors must be
 * able to read it.
 */
export interface PostgresTls {
  readonly mode: 'require' | 'verify-ca' | 'verify-full';
  readonly ca?: string;
}

/**
 * The address of a PostgreSQL database. `password` leaves this process only in the wire protocol and in a 0600 pgpass
 * file.
 */
export interface PostgresAddress {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  readonly password: string | undefined;
  readonly passfile: string | undefined;
  /** Without it the connection is not encrypted. */
  readonly tls?: PostgresTls;
}

/**
 * The address of a Kafka cluster. The password leaves this process only in the wire protocol and in a 0600 secrets
 * file.
 */
export interface KafkaAddress {
  readonly brokers: readonly string[];
  readonly tls?: { readonly ca?: string };
  readonly sasl?: KafkaConnection['sasl'];
}

/** The address of an SMTP server. */
export interface MailServer {
  readonly host: string;
  readonly port: number | undefined;
  /**
   * `start`: TLS from the first byte; `required`: STARTTLS or failure; `offered`: STARTTLS when the server supports it.
   */
  readonly tls: 'start' | 'required' | 'offered';
  readonly ca?: string;
  readonly login?: { readonly user: string; readonly password: string };
}

/** The mail server of conf/. Throws a rejected SluiceError when it is misconfigured. */
export function mailServer(project: Project): MailServer {
  const { user, password, ca } = project.connections.mail;
  const url = serverUrl('mail.url', project.endpoints.smtp, ['smtp', 'smtps'], 'smtp://host:587 or smtps://host:465');
  const name = user ?? url.user;
  // A password leaves this machine only over TLS.
  const required = ca !== undefined || (name !== undefined && !isLoopback(url.host));
  return {
    host: url.host,
    port: url.port,
    tls: url.protocol === 'smtps' ? 'start' : required ? 'required' : 'offered',
    ...(ca === undefined ? {} : { ca: certificates(project, ca) }),
    ...(name === undefined ? {} : { login: { user: name, password: password ?? url.password ?? '' } }),
  };
}

/** The addresses of databases and brokers by the names of their connections. */
export interface Addresses {
  postgres(connection: string): PostgresAddress;
  kafka(connection: string): KafkaAddress;
}

export const addressesOf = (project: Project): Addresses => ({
  postgres: (name) => postgresAddress(project, project.connections.postgres[name] ?? {}),
  kafka(name) {
    const { brokers, tls, ca, sasl } = project.connections.kafka[name] ?? {};
    return {
      brokers: brokers ?? project.endpoints.kafka,
      ...(tls || ca ? { tls: ca === undefined ? {} : { ca: certificates(project, ca) } } : {}),
      ...(sasl ? { sasl } : {}),
    };
  },
});

const isLoopback = (host: string): boolean => /^(localhost|127\.\d+\.\d+\.\d+|::1)$/.test(host);

/** The address of a PostgreSQL connection. Throws a rejected SluiceError when conf/ misconfigures it. */
export function postgresAddress(project: Project, connection: PostgresConnection): PostgresAddress {
  const url = serverUrl(
    'the url of a PostgreSQL connection',
    connection.url ?? project.endpoints.postgres,
    ['postgres', 'postgresql'],
    'postgres://user@host:5432/database',
    ['sslmode', 'sslrootcert'],
  );
  const file = postgresPasswordFile(project.home);
  const local = connection.url === undefined && project.stack.elsewhere.postgres === undefined && existsSync(file);
  const mode = connection.sslmode ?? url.parameters.sslmode ?? (isLoopback(url.host) ? 'disable' : 'verify-full');
  const tls = tlsOf(project, mode, connection.sslrootcert ?? url.parameters.sslrootcert);
  return {
    host: url.host,
    port: url.port ?? 5432,
    database: connection.database ?? (url.path || 'postgres'),
    user: connection.user ?? url.user ?? 'sluice',
    password: connection.password ?? url.password ?? (local ? readFileSync(file, 'utf8').trim() : undefined),
    passfile: connection.passfile,
    ...(tls ? { tls } : {}),
  };
}

function tlsOf(project: Project, mode: string, ca: string | undefined): PostgresTls | undefined {
  if (mode === 'disable') return undefined;
  if (mode !== 'require' && mode !== 'verify-ca' && mode !== 'verify-full')
    throw rejected(
      `sslmode "${mode}" of a PostgreSQL connection in conf/ is not supported`,
      'it is one of disable, require, verify-ca and verify-full',
    );
  // As in libpq: with an authority, `require` means `verify-ca`.
  const asked = mode === 'require' && ca !== undefined ? 'verify-ca' : mode;
  return ca === undefined ? { mode: asked } : { mode: asked, ca: certificates(project, ca) };
}

/** The path of a file of certificates. Throws a rejected SluiceError when it cannot be read or holds none. */
function certificates(project: Project, path: string): string {
  const file = resolve(project.root, path);
  try {
    if (readFileSync(file, 'utf8').includes('-----BEGIN CERTIFICATE-----')) return file;
  } catch (error) {
    throw rejected(`the certificates ${file} in conf/ cannot be read: ${reasonOf(error)}`, 'correct the path');
  }
  throw rejected(`${file}, named in conf/, holds no certificate`, 'it has to be in PEM form');
}

/** The JDBC URL of a database: without the password, with the same TLS requirements. */
export function jdbcUrl({ host, port, database, tls }: PostgresAddress): string {
  const server = host.includes(':') ? `[${host}]` : host;
  const parameters = new URLSearchParams({ sslmode: tls?.mode ?? 'disable' });
  if (tls?.ca !== undefined) parameters.set('sslrootcert', tls.ca);
  // The driver's default trusts a file that rarely exists. This factory trusts what the JVM trusts.
  else if (tls && tls.mode !== 'require') parameters.set('sslfactory', 'org.postgresql.ssl.DefaultJavaSSLFactory');
  return `jdbc:postgresql://${server}:${port}/${encodeURIComponent(database)}?${parameters}`;
}
