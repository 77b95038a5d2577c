import { existsSync, readFileSync } from 'node:fs';
import { cpus, homedir, totalmem } from 'node:os';
import { join } from 'node:path';

/** The only file that reads the environment; everything else is given what it needs. */
const env = process.env;

/** Where this program itself is. */
export const programRoot = ['../..', '../../..']
  .map((up) => join(import.meta.dirname, up))
  .find((folder) => existsSync(join(folder, 'package.json'))) as string;

/** This program's own, as package.json has it. */
export const version: string = JSON.parse(readFileSync(join(programRoot, 'package.json'), 'utf8')).version;

/** The environment as `${NAME}` sees it in a pipeline or connections file. */
export const variables: Readonly<Record<string, string | undefined>> = env;

/** Where runs, logs and the local stack's data live; by default `.sluice` in the project. */
export const homeOverride = env.SLUICE_HOME;

/** Where downloaded jars live; shared by all projects of a user. */
export const cacheFolder = env.SLUICE_CACHE ?? join(env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'sluice');

/** Added to every port of the local stack; moves them all together. */
export const portOffset = env.SLUICE_PORT_OFFSET;

export const javaHome = env.JAVA_HOME;

/** A Spark installation to use instead of the one made from Maven's jars. */
export const sparkHome = env.SPARK_HOME;

/** What this machine has, for the local worker's default size. */
export const machine = { cores: cpus().length, memoryBytes: totalmem() };

export const isRoot = process.getuid?.() === 0;

/** What a service's process gets of our own environment: nothing that could be a secret. */
export const inherited: Readonly<Record<string, string>> = Object.fromEntries(
  ['PATH', 'HOME', 'LANG', 'TZ', 'TMPDIR', 'JAVA_HOME', 'SystemRoot'].flatMap((name) => {
    const value = env[name];
    return value === undefined ? [] : [[name, value]];
  }),
);

/** Shows where an unexpected error came from. */
export const debug = env.SLUICE_DEBUG !== undefined;

/** Where a controller is to die, for tests of its recovery: `before:7:kill`, `after:7:stop`. */
export const faultPoint = env.SLUICE_FAULT;
