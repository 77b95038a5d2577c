import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { reasonOf, rejected } from '../lib/errors.ts';
import type { KafkaConnection, PostgresConnection } from './connections.ts';
import { type Project, postgresPasswordFile } from './project.ts';
import { serverUrl } from './server-url.ts';

/** How a connection is secured: `ca` is a file of certificates to trust instead of the system's, readable to driver and executors. */
export interface PostgresTls {
  readonly mode: 'require' | 'verify-ca' | 'verify-full';
  readonly ca?: string;
}

/** What a PostgreSQL client needs. `password` never leaves this process but in the wire protocol and a 0600 pgpass file. */
export interface PostgresAddress {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  readonly password: string | undefined;
  readonly passfile: string | undefined;
  /** Without it nothing is encrypted. */
  readonly tls?: PostgresTls;
}

/** What a Kafka client needs. `password` never leaves this process but in the wire protocol and a 0600 JAAS file. */
export interface KafkaAddress {
  readonly brokers: readonly string[];
  readonly tls?: { readonly ca?: string };
  readonly sasl?: KafkaConnection['sasl'];
}

/** What an SMTP client needs. */
export interface MailServer {
  readonly host: string;
  readonly port: number | undefined;
  /** `start`: TLS before the first word; `required`: STARTTLS or nothing; `offered`: when the server has it. */
  readonly tls: 'start' | 'required' | 'offered';
  readonly ca?: string;
  readonly login?: { readonly user: string; readonly password: string };
}

/** Throws a rejected SluiceError for what conf/ says of the mail server and cannot be kept to. */
export function mailServer(project: Project): MailServer {
  const { user, password, ca } = project.connections.mail;
  const url = serverUrl('mail.url', project.endpoints.smtp, ['smtp', 'smtps'], 'smtp://host:587 or smtps://host:465');
  const name = user ?? url.user;
  // A password leaves this machine by TLS alone.
  const required = ca !== undefined || (name !== undefined && !isLoopback(url.host));
  return {
    host: url.host,
    port: url.port,
    tls: url.protocol === 'smtps' ? 'start' : required ? 'required' : 'offered',
    ...(ca === undefined ? {} : { ca: certificates(project, ca) }),
    ...(name === undefined ? {} : { login: { user: name, password: password ?? url.password ?? '' } }),
  };
}

/** Where the databases and brokers are that a pipeline names by their connections. */
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

/** Throws a rejected SluiceError for what conf/ says of the connection and cannot be kept to. */
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
  // As libpq has it: whoever names an authority wants it asked.
  const asked = mode === 'require' && ca !== undefined ? 'verify-ca' : mode;
  return ca === undefined ? { mode: asked } : { mode: asked, ca: certificates(project, ca) };
}

/** The path of a file of certificates; throws a rejected SluiceError when it cannot be read or holds none. */
function certificates(project: Project, path: string): string {
  const file = resolve(project.root, path);
  try {
    if (readFileSync(file, 'utf8').includes('-----BEGIN CERTIFICATE-----')) return file;
  } catch (error) {
    throw rejected(`the certificates ${file} in conf/ cannot be read: ${reasonOf(error)}`, 'correct the path');
  }
  throw rejected(`${file}, named in conf/, holds no certificate`, 'it has to be in PEM form');
}

/** A database as Java's driver is told of it: no password, and the same demands on TLS. */
export function jdbcUrl({ host, port, database, tls }: PostgresAddress): string {
  const server = host.includes(':') ? `[${host}]` : host;
  const parameters = new URLSearchParams({ sslmode: tls?.mode ?? 'disable' });
  if (tls?.ca !== undefined) parameters.set('sslrootcert', tls.ca);
  // The driver's own default trusts a file that hardly anybody has; this is what the JVM trusts.
  else if (tls && tls.mode !== 'require') parameters.set('sslfactory', 'org.postgresql.ssl.DefaultJavaSSLFactory');
  return `jdbc:postgresql://${server}:${port}/${encodeURIComponent(database)}?${parameters}`;
}
