import { type SpawnOptions, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { mkdir, open, readFile, rm } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { inherited } from '../lib/env.ts';

/** A process to start. It gets its own session, and so survives the terminal. */
export interface Command {
  readonly file: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly user?: { readonly uid: number; readonly gid: number } | undefined;
  /** The signal that asks it to end; SIGTERM when left out. */
  readonly stopSignal?: NodeJS.Signals;
}

/** A started process, from its pid file. The start time proves that the pid still belongs to the same process. */
export interface Started {
  readonly pid: number;
  readonly startTime: string;
  readonly stopSignal: NodeJS.Signals;
}

const pidFile = (home: string, name: string): string => join(home, 'run', `${name}.json`);
export const logFile = (home: string, name: string): string => join(home, 'logs', `${name}.log`);

/**
 * The process writes its own pid file before it executes the service. A service whose starter was killed at that moment
 * is therefore known, too. Arguments: the stop signal, then the command line. File descriptor 3 is the pid file.
 */
const becomes = `
signal=$1; shift
started() { shift 19; echo "$1"; }
if [ -r /proc/$$/stat ]; then read -r stat </proc/$$/stat; at=$(started \${stat##*) }); else at=$(ps -o lstart= -p $$); fi
printf '{"pid":%s,"startTime":"%s","stopSignal":"%s"}' $$ "$at" "$signal" >&3
exec 3>&- "$@"`;

/**
 * Starts a process with its output in its log file. Only one process at a time may start services in a home
 * (`lock.ts`).
 */
export async function start(home: string, name: string, command: Command): Promise<void> {
  const log = logFile(home, name);
  await mkdir(dirname(log), { recursive: true });
  await mkdir(join(home, 'run'), { recursive: true });
  const output = openSync(log, 'w');
  const pid = openSync(pidFile(home, name), 'w');
  const options: SpawnOptions = {
    cwd: command.user ? '/' : home,
    detached: true,
    stdio: ['ignore', output, output, pid],
    env: { ...inherited, ...command.env },
    ...command.user,
  };
  const { stopSignal = 'SIGTERM' } = command;
  const child = spawn('/bin/sh', ['-c', becomes, 'sh', stopSignal, command.file, ...command.args], options);
  closeSync(output);
  closeSync(pid);
  await new Promise<void>((resolve, reject) => child.once('spawn', resolve).once('error', reject));
  let ended = false;
  child.once('exit', () => {
    ended = true;
  });
  await waitUntil(async () => ended || (await running(home, name)) !== undefined, 10_000, 10);
  child.unref();
}

/** The running process of a service that `start` started. A stale pid file counts as none. */
export async function running(home: string, name: string): Promise<Started | undefined> {
  try {
    const started = JSON.parse(await readFile(pidFile(home, name), 'utf8')) as Started;
    return (await startTime(started.pid)) === started.startTime ? started : undefined;
  } catch {
    return undefined;
  }
}

/** Stops a started process: with its stop signal, and after 15 s with SIGKILL. Then kills its remaining children. */
export async function stop(home: string, name: string): Promise<boolean> {
  const started = await running(home, name);
  if (started) {
    process.kill(started.pid, started.stopSignal);
    const gone = await waitUntil(async () => (await running(home, name)) === undefined, 15_000);
    if (!gone) process.kill(started.pid, 'SIGKILL');
    try {
      process.kill(-started.pid, 'SIGKILL');
    } catch {
      // All children have ended.
    }
    await waitUntil(async () => (await running(home, name)) === undefined, 5000);
  }
  await rm(pidFile(home, name), { force: true });
  return started !== undefined;
}

/** The system's start time of a process; undefined when it does not exist or is a zombie. */
export async function startTime(pid: number): Promise<string | undefined> {
  if (process.platform === 'linux') {
    try {
      const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
      return fields[0] === 'Z' ? undefined : fields[19];
    } catch {
      return undefined;
    }
  }
  // Loaded here, because most commands start no process.
  const { execa } = await import('execa');
  const { stdout, failed } = await execa('ps', ['-o', 'lstart=', '-p', String(pid)], { reject: false });
  return failed ? undefined : stdout.trim();
}

/** Polls until the condition holds; false after `ms` milliseconds. */
export async function waitUntil(so: () => Promise<boolean>, ms: number, every = 100): Promise<boolean> {
  const deadline = Date.now() + ms;
  while (!(await so())) {
    if (Date.now() > deadline) return false;
    await new Promise((resolve) => setTimeout(resolve, every));
  }
  return true;
}

/** Whether a port of this machine is free. */
export const portFree = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });

export const portAnswers = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    const answer = (it: boolean): void => {
      socket.destroy();
      resolve(it);
    };
    socket
      .once('connect', () => answer(true))
      .once('error', () => answer(false))
      .setTimeout(1000, () => answer(false));
  });

/** The last lines of a service's log, for the error about a failed start. */
export async function logEnd(home: string, name: string, lines = 12): Promise<string> {
  const handle = await open(logFile(home, name)).catch(() => undefined);
  if (!handle) return '(no log)';
  try {
    const { size } = await handle.stat();
    const length = Math.min(size, 8192);
    const { buffer } = await handle.read(Buffer.alloc(length), 0, length, size - length);
    return buffer.toString('utf8').trimEnd().split('\n').slice(-lines).join('\n');
  } finally {
    await handle.close();
  }
}
