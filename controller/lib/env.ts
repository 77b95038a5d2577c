import { existsSync, readFileSync } from 'node:fs';
import { cpus, homedir, totalmem } from 'node:os';
import { join } from 'node:path';

/** Only this file reads the environment. Other modules receive what they need. */
const env = process.env;

/** The folder of this program. */
export const programRoot = ['../..', '../../..']
  .map((up) => join(import.meta.dirname, up))
  .find((folder) => existsSync(join(folder, 'package.json'))) as string;

/** The version of this program in package.json. */
export const version: string = JSON.parse(readFileSync(join(programRoot, 'package.json'), 'utf8')).version;

/** The environment as `${NAME}` sees it in a pipeline or connections file. */
export const variables: Readonly<Record<string, string | undefined>> = env;

/** The folder of runs, logs and the local stack's data; by default `.sluice` in the project. */
export const homeOverride = env.SLUICE_HOME;

/** The cache of downloaded jars, shared by all projects of a user. */
export const cacheFolder = env.SLUICE_CACHE ?? join(env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'sluice');

/** Added to every port of the local stack. */
export const portOffset = env.SLUICE_PORT_OFFSET;

/** The release of this deployment: of several servers, those of the highest one decide which pipelines are right. */
export const release = env.SLUICE_RELEASE ?? '0';

export const javaHome = env.JAVA_HOME;

/** A Spark installation to use instead of the one made from Maven's jars. */
export const sparkHome = env.SPARK_HOME;

/** The resources of this machine, for the local worker's default size. */
export const machine = { cores: cpus().length, memoryBytes: totalmem() };

export const isRoot = process.getuid?.() === 0;

/** The part of the environment that services inherit. It excludes everything that could be a secret. */
export const inherited: Readonly<Record<string, string>> = Object.fromEntries(
  ['PATH', 'HOME', 'LANG', 'TZ', 'TMPDIR', 'JAVA_HOME', 'SystemRoot'].flatMap((name) => {
    const value = env[name];
    return value === undefined ? [] : [[name, value]];
  }),
);

/** The part of the environment by which the SDK of a cloud logs in. It may have secrets. */
export const cloudLogin = (): Record<string, string> =>
  Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) =>
      name.startsWith('AWS_') && value !== undefined ? [[name, value]] : [],
    ),
  );

/** The SDK of AWS warns at each start about versions of Node that it will need some day: that is for a changelog. */
export function quietSdk(): void {
  env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';
}

/** Whether to print the stack trace of an unexpected error. */
export const debug = env.SLUICE_DEBUG !== undefined;

/** Fault injection for recovery tests: where a controller stops, as `before:7:kill` or `after:7:stop`. */
export const faultPoint = env.SLUICE_FAULT;

/** The API server that commands ask instead of the store, and the token for it. */
export const serverUrl = env.SLUICE_SERVER;
export const serverToken = env.SLUICE_TOKEN?.trim();
