import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, open, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { cacheFolder } from '../config/env.ts';
import { SluiceError } from '../errors.ts';
import { sweepScratch } from './scratch.ts';

export type JarSet = 'spark' | 'livy' | 'kafka';
type Manifest = Record<string, number>;

const manifestName = 'manifest.json';

const pomOf = (set: JarSet, root: string): string => join(root, 'conf', 'stack', set, 'pom.xml');

/** A set and the hash of its POM: another name when the jars are others. */
export const jarSetName = (set: JarSet, root: string): string =>
  `${set}-${createHash('sha256')
    .update(readFileSync(pomOf(set, root)))
    .digest('hex')
    .slice(0, 12)}`;

/**
 * The folder with the jars of a set, fetched once by Maven from conf/stack/SET/pom.xml into the user's cache. A folder is
 * known by the hash of its POM; what is incomplete or damaged is fetched again. `told` hears what arrives.
 */
export async function jarsOf(set: JarSet, root: string, told: (line: string) => void): Promise<string> {
  const pom = pomOf(set, root);
  const folder = join(cacheFolder, 'jars', jarSetName(set, root));
  if (await whole(folder)) return folder;
  // What a killed fetch left: up to 350 MB each.
  await sweepScratch(dirname(folder), /^[a-z]+-[0-9a-f]{12}\.(\d+)$/);

  const fresh = `${folder}.${process.pid}`;
  await rm(fresh, { recursive: true, force: true });
  await mkdir(fresh, { recursive: true });
  try {
    await fetchInto(fresh, pom, set, told);
    const damaged = await damagedJars(fresh);
    if (damaged.length > 0) {
      told(`${set}: ${damaged.length} damaged, fetching again`);
      await forgetInMaven(damaged);
      await rm(fresh, { recursive: true, force: true });
      await mkdir(fresh, { recursive: true });
      await fetchInto(fresh, pom, set, told);
      const still = await damagedJars(fresh);
      if (still.length > 0)
        throw new SluiceError(`these jars arrive damaged: ${still.join(', ')}`, {
          kind: 'unavailable',
          hint: 'check the network or the Maven mirror',
        });
    }
    await writeFile(join(fresh, manifestName), JSON.stringify(await sizes(fresh)));
    await rm(folder, { recursive: true, force: true });
    await rename(fresh, folder).catch(async (error) => {
      // Another `sluice up` may have put the same folder there in the meantime.
      if (!(await whole(folder))) throw error;
    });
    return folder;
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
}

async function fetchInto(folder: string, pom: string, set: JarSet, told: (line: string) => void): Promise<void> {
  const args = [
    '-B',
    '-f',
    pom,
    'dependency:copy-dependencies',
    `-DoutputDirectory=${folder}`,
    '-DincludeScope=runtime',
  ];
  let fetched = 0;
  const maven = execa('mvn', args, { reject: false, all: true });
  maven.all.on('data', (chunk: Buffer) => {
    const jars = chunk.toString().match(/Downloaded from .*\.jar/g)?.length ?? 0;
    if (jars === 0) return;
    fetched += jars;
    told(`${set}: ${fetched} jars fetched`);
  });
  const result = await maven;
  if (!result.failed) return;
  if (result.code === 'ENOENT') {
    throw new SluiceError('mvn (Apache Maven) was not found', {
      kind: 'unavailable',
      hint: 'install it (Debian: apt-get install maven; macOS: brew install maven)',
    });
  }
  const why =
    result.all
      ?.split('\n')
      .filter((line) => line.includes('ERROR'))
      .slice(0, 3)
      .join('\n') ?? '';
  throw new SluiceError(`the jars of ${set} could not be fetched:\n${why}`, {
    kind: 'unavailable',
    hint: 'check the network, then try again: what has arrived is kept',
  });
}

/** Jars that do not end as a ZIP file does: cut off or replaced by an error page. */
async function damagedJars(folder: string): Promise<string[]> {
  const damaged: string[] = [];
  for (const name of (await readdir(folder)).filter((file) => file.endsWith('.jar'))) {
    if (!(await endsAsZip(join(folder, name)))) damaged.push(name);
  }
  return damaged;
}

/** The end-of-central-directory mark is within the last 64 KiB and 22 bytes of every ZIP file. */
async function endsAsZip(file: string): Promise<boolean> {
  const handle = await open(file);
  try {
    const { size } = await handle.stat();
    const length = Math.min(size, 65_557);
    const { buffer } = await handle.read(Buffer.alloc(length), 0, length, size - length);
    return buffer.includes(Buffer.from('PK\u0005\u0006', 'latin1'));
  } finally {
    await handle.close();
  }
}

/** Removes damaged jars from Maven's own repository, so that they are downloaded anew. */
async function forgetInMaven(jars: readonly string[]): Promise<void> {
  const repository = join(homedir(), '.m2', 'repository');
  if (!existsSync(repository)) return;
  for (const path of await readdir(repository, { recursive: true })) {
    if (jars.some((jar) => path.endsWith(`/${jar}`))) await rm(join(repository, path), { force: true });
  }
}

async function sizes(folder: string): Promise<Manifest> {
  const jars = (await readdir(folder)).filter((file) => file.endsWith('.jar'));
  return Object.fromEntries(
    await Promise.all(jars.map(async (jar) => [jar, (await stat(join(folder, jar))).size] as const)),
  );
}

/** Whether a folder holds just the jars that were fetched, each of the size it had then. */
async function whole(folder: string): Promise<boolean> {
  try {
    const wanted = JSON.parse(await readFile(join(folder, manifestName), 'utf8')) as Manifest;
    const found = await sizes(folder);
    return Object.keys(wanted).length > 0 && Object.entries(wanted).every(([jar, size]) => found[jar] === size);
  } catch {
    return false;
  }
}
