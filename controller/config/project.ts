import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { z } from 'zod';
import { homeOverride, portOffset } from '../lib/env.ts';
import { rejected } from '../lib/errors.ts';
import { located } from '../lib/uri.ts';
import { readYaml } from '../lib/yaml/yaml-file.ts';
import { type Additions, type Connections, connectionsSchema } from './connections.ts';
import { splitLogin } from './login.ts';
import { serverUrl } from './server-url.ts';

const port = z.int().min(1).max(65_535);
const stackSchema = z.strictObject({
  portOffset: z.int().min(0).default(0),
  ports: z
    .strictObject({
      sparkMaster: port.default(7077),
      sparkMasterUi: port.default(8080),
      sparkWorkerUi: port.default(8081),
      historyServer: port.default(18_080),
      livy: port.default(8998),
      kafka: port.default(9092),
      kafkaController: port.default(9093),
      postgres: port.default(5433),
      smtp: port.default(2525),
      mailboxUi: port.default(8025),
    })
    .prefault({}),
  worker: z.strictObject({ cores: z.int().min(1).optional(), memory: z.string().optional() }).default({}),
  elsewhere: z
    .partialRecord(z.enum(['spark-master', 'livy', 'history-server', 'kafka', 'postgres', 'mailbox']), z.string())
    .default({}),
});
export type StackSettings = z.output<typeof stackSchema>;

/** The addresses of the services: the local stack's, or those that conf/ names instead. */
export interface Endpoints {
  readonly livy: string;
  readonly sparkMaster: string;
  readonly historyServer: string;
  readonly kafka: readonly string[];
  readonly postgres: string;
  readonly smtp: string;
  readonly mailbox: string;
}

/** A checkout with its conf/: all paths, connections and settings. */
export interface Project {
  /** The name of its runs in the store: lower-case letters, digits and hyphens. */
  readonly name: string;
  readonly root: string;
  /** Runs, logs, process ids and data of the local stack. */
  readonly home: string;
  readonly connections: Connections;
  readonly stack: StackSettings;
  readonly endpoints: Endpoints;
}

/** A file of conf/. Missing entries have their defaults, also when the file is empty or missing. */
async function settings<T>(root: string, name: string, schema: z.ZodType<T>): Promise<T> {
  const file = join(root, 'conf', name);
  const saysNothing =
    !existsSync(file) ||
    (await readFile(file, 'utf8').catch(() => 'no text')).replaceAll(/^\s*#.*$/gm, '').trim() === '';
  return saysNothing ? schema.parse({}) : (await readYaml(file, schema)).value;
}

/**
 * The nearest folder at or above `from` that has conf/connections.yaml. Throws a rejected SluiceError when there is
 * none.
 */
export function projectRoot(from: string): string {
  for (let folder = resolve(from); ; folder = dirname(folder)) {
    if (existsSync(join(folder, 'conf', 'connections.yaml'))) return folder;
    if (folder === dirname(folder)) {
      throw rejected(
        `no conf/connections.yaml in ${resolve(from)} or above it`,
        'run sluice inside a project: a folder with conf/connections.yaml, which may be empty',
      );
    }
  }
}

export async function loadProject(from: string, additions: Additions = {}): Promise<Project> {
  const root = projectRoot(from);
  const connections = await settings(root, 'connections.yaml', connectionsSchema(additions));
  const file = await settings(root, 'stack.yaml', stackSchema);
  const offset = portOffset === undefined ? file.portOffset : Number(portOffset);
  if (!Number.isInteger(offset) || offset < 0 || offset > 45_000) {
    throw rejected(`SLUICE_PORT_OFFSET is "${portOffset}", expected a whole number from 0 to 45000`);
  }
  const ports = Object.fromEntries(Object.entries(file.ports).map(([name, p]) => [name, p + offset]));
  const stack = { ...file, ports: ports as StackSettings['ports'] };
  const home = resolve(root, homeOverride ?? '.sluice');
  const name = connections.project ?? (slug(basename(root)) || 'project');
  return { name, root, home, connections, stack, endpoints: endpoints(stack, connections) };
}

const slug = (text: string): string =>
  text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '');

function endpoints({ ports, elsewhere }: StackSettings, { spark, mail }: Connections): Endpoints {
  const local = (p: number): string => `http://127.0.0.1:${p}`;
  return {
    livy: webAddress('spark.livy', spark.livy ?? elsewhere.livy ?? local(ports.livy)),
    sparkMaster: webAddress('spark.master', spark.master ?? elsewhere['spark-master'] ?? local(ports.sparkMasterUi)),
    historyServer: webAddress(
      'spark.history',
      spark.history ?? elsewhere['history-server'] ?? local(ports.historyServer),
    ),
    kafka: [elsewhere.kafka ?? `127.0.0.1:${ports.kafka}`],
    postgres: trim(elsewhere.postgres ?? `postgres://sluice@127.0.0.1:${ports.postgres}`),
    smtp: mail.url ?? elsewhere.mailbox ?? `smtp://127.0.0.1:${ports.smtp}`,
    mailbox: local(ports.mailboxUi),
  };
}

const trim = (url: string): string => url.replace(/\/+$/, '');

/** An address as it is shown and stored in histories: without its login, which `addressOf` knows. */
function webAddress(key: string, text: string): string {
  const { user, password } = serverUrl(key, text, ['http', 'https'], 'https://host:port');
  if (key === 'spark.livy' && (user !== undefined || password !== undefined))
    throw rejected(`${key} in conf/ has a user or a password in its URL`, 'write livyUser and livyPassword beside it');
  return trim(splitLogin(text).url);
}

/** The rights that conf/ grants to pipelines beyond the project, with absolute paths. */
export const allowedIn = ({ root, connections: { allow } }: Project): Connections['allow'] => ({
  ...allow,
  paths: allow.paths.map((path) => located(root, path)),
});

/** The folder or URI of files that driver, executors and controllers share. */
export const sharedOf = ({ root, home, connections: { storage } }: Project): string =>
  storage === undefined ? home : located(root, storage);

/** The file with the password of the local PostgreSQL; created by `sluice up`, readable by its owner alone. */
export const postgresPasswordFile = (home: string): string => join(home, 'secrets', 'postgres');
