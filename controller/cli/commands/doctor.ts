import { constants } from 'node:fs';
import { access, mkdir } from 'node:fs/promises';
import { execa } from 'execa';
import { openProject } from '../../app/wiring.ts';
import type { Project } from '../../config/project.ts';
import { cacheFolder, inherited, machine } from '../../lib/env.ts';
import { reasonOf, SluiceError } from '../../lib/errors.ts';
import { checkJava } from '../../stack/java.ts';
import { status } from '../../stack/stack.ts';
import { coloured, columns, exit, type Output } from '../view/output.ts';

interface Prerequisite {
  readonly what: string;
  readonly ok: boolean;
  readonly found: string;
  readonly fix?: string;
}

/** `sluice doctor` */
export async function doctor(output: Output): Promise<number> {
  const project = await openProject();
  const findings = await Promise.all([
    node(),
    java(),
    maven(),
    memory(),
    openFiles(),
    folder('cache', cacheFolder),
    folder('home', project.home),
    ports(project),
  ]);
  for (const line of columns(findings.map((f) => [coloured(f.ok ? 'passed' : 'fail'), f.what, f.found, f.fix ?? ''])))
    output.line(line);
  output.document(findings);
  return findings.every((finding) => finding.ok) ? exit.ok : exit.unreachable;
}

async function node(): Promise<Prerequisite> {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const ok = major > 20 || (major === 20 && minor >= 12);
  return {
    what: 'Node.js',
    ok,
    found: process.versions.node,
    ...(ok ? {} : { fix: 'install Node.js 20.12 or newer' }),
  };
}

async function java(): Promise<Prerequisite> {
  try {
    return { what: 'Java', ok: true, found: await checkJava() };
  } catch (error) {
    const fix = error instanceof SluiceError ? error.hint : undefined;
    return { what: 'Java', ok: false, found: reasonOf(error), ...(fix === undefined ? {} : { fix }) };
  }
}

async function maven(): Promise<Prerequisite> {
  const { stdout, failed } = await execa('mvn', ['-v'], { reject: false, extendEnv: false, env: inherited });
  const found = /Apache Maven ([\d.]+)/.exec(stdout ?? '')?.[1];
  if (!failed && found !== undefined) return { what: 'Maven', ok: true, found };
  return {
    what: 'Maven',
    ok: false,
    found: 'not found',
    fix: 'install it (Debian: apt-get install maven; macOS: brew install maven)',
  };
}

async function memory(): Promise<Prerequisite> {
  const gib = machine.memoryBytes / 2 ** 30;
  const ok = gib >= 7;
  return {
    what: 'memory',
    ok,
    found: `${gib.toFixed(0)} GiB, ${machine.cores} cores`,
    ...(ok ? {} : { fix: 'the local stack wants 8 GiB; run some services elsewhere (conf/stack.yaml)' }),
  };
}

/** Spark, Kafka and this program need many open files, and fail with misleading errors when the limit is low. */
async function openFiles(): Promise<Prerequisite> {
  const wanted = 1024;
  const { stdout } = await execa('sh', ['-c', 'ulimit -n'], { reject: false });
  const ok = stdout === 'unlimited' || Number(stdout) >= wanted;
  return {
    what: 'open files',
    ok,
    found: `at most ${stdout}`,
    ...(ok ? {} : { fix: `raise the limit: ulimit -n ${wanted} (or nofile in /etc/security/limits.conf)` }),
  };
}

async function folder(what: string, path: string): Promise<Prerequisite> {
  try {
    await mkdir(path, { recursive: true, mode: 0o700 });
    await access(path, constants.W_OK);
    return { what, ok: true, found: path };
  } catch (error) {
    return {
      what,
      ok: false,
      found: reasonOf(error),
      fix: `make ${path} writable, or set ${what === 'cache' ? 'SLUICE_CACHE' : 'SLUICE_HOME'}`,
    };
  }
}

async function ports(project: Project): Promise<Prerequisite> {
  const taken = (await status(project)).filter((service) => service.state === 'taken').map((service) => service.name);
  if (taken.length === 0) return { what: 'ports', ok: true, found: 'free, or held by our own services' };
  return {
    what: 'ports',
    ok: false,
    found: `taken by another program: ${taken.join(', ')}`,
    fix: 'set portOffset in conf/stack.yaml, or SLUICE_PORT_OFFSET=1000',
  };
}
