import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { jaas } from '../../controller/adapters/sources/kafka/driver.ts';
import { addressesOf, jdbcUrl, mailServer } from '../../controller/config/addresses.ts';
import { connectionsSchema } from '../../controller/config/connections.ts';
import { addressOf, splitLogin } from '../../controller/config/login.ts';
import { loadProject, type Project } from '../../controller/config/project.ts';

const root = mkdtempSync(join(tmpdir(), 'sluice-addresses-'));
afterAll(() => rmSync(root, { recursive: true }));
writeFileSync(join(root, 'ca.pem'), '-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n');
writeFileSync(join(root, 'no.pem'), 'nothing\n');

function projectWith(connections: object): Project {
  const read = connectionsSchema().parse(connections);
  const endpoints = { kafka: ['127.0.0.1:9092'], postgres: 'postgres://127.0.0.1:5433', smtp: read.mail.url ?? '' };
  return { root, home: root, connections: read, stack: { elsewhere: {} }, endpoints } as unknown as Project;
}
const postgres = (connection: object) => addressesOf(projectWith({ postgres: { db: connection } })).postgres('db');
const mail = (settings: object) => mailServer(projectWith({ mail: settings }));

const passwords = ['100%C4n', 'C4n%41x', 'a/b#c?d', 'p@ss:w@rd', 'quote"\'\\', '{}$(x)${y}', 'ä €', ' ', "'; DROP"];

describe('a PostgreSQL connection', () => {
  test.each(passwords)('takes the password %j as it is', (password) => {
    expect(postgres({ url: 'postgres://u@db/x', password })).toMatchObject({ password, user: 'u', host: 'db' });
    const encoded = `postgres://u:${encodeURIComponent(password)}@db:6543/x`;
    expect(postgres({ url: encoded })).toMatchObject({ password, host: 'db', port: 6543, database: 'x' });
  });

  test('accepts a password in its URL without percent-encoding, too', () => {
    for (const password of passwords.filter((each) => each !== 'C4n%41x'))
      expect(postgres({ url: `postgres://u:${password}@db/x` })).toMatchObject({ password, host: 'db', database: 'x' });
  });

  test('is fully verified unless conf/ sets another mode or the server is on this machine', () => {
    const tls = (connection: object) => postgres(connection).tls;
    expect(tls({ url: 'postgres://u@db.example.org/x' })).toEqual({ mode: 'verify-full' });
    expect(tls({ url: 'postgres://u@127.0.0.1/x' })).toBeUndefined();
    expect(tls({ url: 'postgres://u@[::1]/x' })).toBeUndefined();
    expect(tls({})).toBeUndefined();
    expect(tls({ url: 'postgres://u@db/x?sslmode=require' })).toEqual({ mode: 'require' });
    expect(tls({ url: 'postgres://u@db/x?sslmode=disable', sslmode: 'verify-ca' })).toEqual({ mode: 'verify-ca' });
    expect(tls({ url: 'postgres://u@db/x', sslmode: 'disable' })).toBeUndefined();
    const ca = join(root, 'ca.pem');
    expect(tls({ url: 'postgres://u@db/x?sslrootcert=ca.pem' })).toEqual({ mode: 'verify-full', ca });
    expect(tls({ url: 'postgres://u@db/x', sslmode: 'require', sslrootcert: 'ca.pem' })).toEqual({
      mode: 'verify-ca',
      ca,
    });
  });

  test.each([
    [{ url: 'postgres://u:S3cret@db/x?sslmode=prefer' }, /sslmode "prefer" .* is not supported/],
    [{ url: 'postgres://u:S3cret@db/x?channel_binding=require' }, /sets "channel_binding", which is not supported/],
    [{ url: 'db:S3cret' }, /is not a URL/],
    [{ url: 'postgres://u:S3cret@a b/x' }, /is not a URL/],
    // The host of these URLs is ambiguous.
    [{ url: 'postgres://u:S3cret@db/a@b' }, /is not a URL/],
    [{ url: 'postgres://db/x?sslrootcert=S3cret@b.pem' }, /is not a URL/],
    [{ url: 'postgres://u:S3c@ret/x@db/x' }, /is not a URL/],
    [{ url: 'mysql://u:S3cret@db/x' }, /is not a URL of postgres or postgresql/],
    [{ url: 'Postgres://u:S3cret@db/x' }, /is not a URL/],
    [{ url: ' postgres://u:S3cret@db/x' }, /is not a URL/],
    [{ url: 'postgres://db/x', sslrootcert: 'missing.pem' }, /missing\.pem .* cannot be read/],
    [{ url: 'postgres://db/x', sslrootcert: 'no.pem' }, /no\.pem, named in conf\/, holds no certificate/],
  ])('is refused when it is misconfigured, without quoting its password: %j', (connection, message) => {
    try {
      postgres(connection);
      expect.unreachable();
    } catch (error) {
      expect(error).toMatchObject({ kind: 'rejected', message: expect.stringMatching(message) });
      expect(`${(error as Error).message} ${(error as { hint?: string }).hint}`).not.toContain('S3cret');
    }
  });

  test('has the same TLS settings in its JDBC URL, without the password', () => {
    const url = (connection: object) => jdbcUrl(postgres(connection));
    expect(url({ url: 'postgres://u:p@db/x?sslrootcert=ca.pem' })).toBe(
      `jdbc:postgresql://db:5432/x?sslmode=verify-full&sslrootcert=${encodeURIComponent(join(root, 'ca.pem'))}`,
    );
    expect(url({ url: 'postgres://db/x' })).toContain('sslmode=verify-full&sslfactory=');
    expect(url({ url: 'postgres://[::1]/a%2Fb?sslmode=require' })).toBe(
      'jdbc:postgresql://[::1]:5432/a%2Fb?sslmode=require',
    );
    expect(url({})).toBe('jdbc:postgresql://127.0.0.1:5433/postgres?sslmode=disable');
  });
});

test('an empty list of brokers is refused with its position', () => {
  expect(connectionsSchema().safeParse({ kafka: { events: { brokers: [] } } }).success).toBe(false);
});

describe('a Kafka connection', () => {
  const sasl = { mechanism: 'SCRAM-SHA-512', user: 'u', password: 'a"b\\c;\nd' } as const;
  test('has TLS and a login when conf/ sets them', () => {
    const of = (connection: object) => addressesOf(projectWith({ kafka: { events: connection } })).kafka('events');
    expect(of({})).toEqual({ brokers: ['127.0.0.1:9092'] });
    expect(of({ brokers: ['k:1'], tls: true, sasl })).toEqual({ brokers: ['k:1'], tls: {}, sasl });
    expect(of({ ca: 'ca.pem' }).tls).toEqual({ ca: join(root, 'ca.pem') });
  });
  test('quotes a password with any characters for the Java client', () => {
    expect(jaas({ brokers: [], sasl })).toBe(
      'org.apache.kafka.common.security.scram.ScramLoginModule required username="u" password="a\\"b\\\\c;\\nd";',
    );
    expect(jaas({ brokers: [] })).toBeUndefined();
  });
});

describe('the mail server', () => {
  test.each(passwords)('takes the password %j', (password) => {
    const login = { user: 'sluice', password };
    expect(mail({ url: 'smtp://mail.example.org:587', user: 'sluice', password })).toMatchObject({ login });
    expect(mail({ url: `smtp://sluice:${encodeURIComponent(password)}@mail.example.org` })).toMatchObject({ login });
  });
  test('receives a password only over TLS, unless it is on this machine', () => {
    expect(mail({ url: 'smtp://u:p@mail.example.org' }).tls).toBe('required');
    expect(mail({ url: 'smtps://u:p@mail.example.org' }).tls).toBe('start');
    expect(mail({ url: 'smtp://mail.example.org' }).tls).toBe('offered');
    expect(mail({ url: 'smtp://u:p@127.0.0.1' }).tls).toBe('offered');
    expect(mail({ url: 'smtp://127.0.0.1', ca: 'ca.pem' })).toMatchObject({
      tls: 'required',
      ca: join(root, 'ca.pem'),
    });
  });
});

describe('a login in a URL', () => {
  const load = (key: string, url = 'https://u:S3cret@host:1/') => {
    mkdirSync(join(root, key, 'conf'), { recursive: true });
    cpSync(join(import.meta.dirname, '../../conf/stack.yaml'), join(root, key, 'conf', 'stack.yaml'));
    writeFileSync(join(root, key, 'conf', 'connections.yaml'), `spark: { ${key}: ${JSON.stringify(url)} }\n`);
    return loadProject(join(root, key));
  };

  test('of Livy is refused without repeating it', async () => {
    const refused = await load('livy').catch((error: Error) => error);
    expect(refused).toMatchObject({ kind: 'rejected', message: expect.stringContaining('spark.livy') });
    expect(String(refused)).not.toContain('S3cret');
  });

  test.each([
    ['master', 'sparkMaster'],
    ['history', 'historyServer'],
  ] as const)('of the %s is used, but not shown', async (key, service) => {
    const there = await load(key);
    expect(there.endpoints[service]).toBe('https://host:1');
    expect(addressOf(there, service)).toBe('https://u:S3cret@host:1');
  });

  test('is separated from the URL for any password', async () => {
    const there = await load('master', 'http://u:S3/c?r#et@host:1');
    expect(there.endpoints.sparkMaster).toBe('http://host:1');
    expect(splitLogin(addressOf(there, 'sparkMaster'))).toEqual({
      url: 'http://host:1',
      headers: { authorization: `Basic ${Buffer.from('u:S3/c?r#et').toString('base64')}` },
    });
  });

  test.each([
    'HTTP://u:S3cret@host',
    ' http://u:S3cret@host',
    'http://u:S3cret@host/a@b',
    'u:S3cret@host',
    'ftp://host',
  ])('that is ambiguous is refused without quoting it: %j', async (url) => {
    const refused = await load('master', url).catch((error: Error) => error);
    expect(refused).toMatchObject({ kind: 'rejected', message: expect.stringContaining('spark.master') });
    expect(JSON.stringify(refused)).not.toContain('S3cret');
  });
});
