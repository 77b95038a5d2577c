import { createHash } from 'node:crypto';
import { createReadStream, existsSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { execa } from 'execa';
import { cacheFolder } from '../lib/env.ts';
import { reasonOf, rejected, SluiceError } from '../lib/errors.ts';
import { removeStaleScratch } from './scratch.ts';
import type { ReportProgress } from './service.ts';

export type JarSet = 'spark' | 'livy' | 'kafka';
export const jarSets: readonly JarSet[] = ['spark', 'livy', 'kafka'];

/** A jar whose hash was computed: as long as size and change time are these, it is not computed again. */
interface Verified {
  readonly size: number;
  readonly mtimeMs: number;
  readonly sha256: string;
}
type Manifest = Record<string, Verified>;
type Sums = Record<string, string>;

/** Rewritten whenever a jar is another. */
export const manifestName = 'manifest.json';

const fileOf = (set: JarSet, root: string, name: 'pom.xml' | 'SHA256SUMS'): string =>
  join(root, 'conf', 'stack', set, name);

/** A set and the hash of its POM: another name when the jars are others. */
export const jarSetName = (set: JarSet, root: string): string =>
  `${set}-${createHash('sha256')
    .update(readFileSync(fileOf(set, root, 'pom.xml')))
    .digest('hex')
    .slice(0, 12)}`;

/**
 * The folder with the jars of a set, fetched once by Maven from conf/stack/SET/pom.xml into the user's cache. It holds just
 * the jars of conf/stack/SET/SHA256SUMS; what is missing or differs is fetched again. `report` hears what arrives. Throws
 * `unavailable` when other jars arrive than those listed.
 */
export async function jarsOf(set: JarSet, root: string, report: ReportProgress): Promise<string> {
  const folder = join(cacheFolder, 'jars', jarSetName(set, root));
  const sums = await sumsOf(set, root);
  if (existsSync(folder) && (await wrongJars(folder, sums)).length === 0) return folder;
  // What a killed fetch left: up to 350 MB each.
  await removeStaleScratch(dirname(folder), /^[a-z]+-[0-9a-f]{12}\.(\d+)$/);

  const fresh = `${folder}.${process.pid}`;
  try {
    await fetchInto(fresh, set, root, report, Object.keys(sums).length);
    let wrong = await wrongJars(fresh, sums);
    if (wrong.length > 0) {
      report(`${set}: ${wrong.length} jars are damaged, fetching again`);
      await forgetInMaven(wrong);
      await fetchInto(fresh, set, root, report, Object.keys(sums).length);
      wrong = await wrongJars(fresh, sums);
    }
    if (wrong.length > 0)
      throw new SluiceError(`these jars are not the ones in ${fileOf(set, root, 'SHA256SUMS')}: ${wrong.join(', ')}`, {
        kind: 'unavailable',
        hint: 'check the network and the Maven mirror; after a change of pom.xml, renew the list: npm run jar-sums',
      });
    await rm(folder, { recursive: true, force: true });
    await rename(fresh, folder).catch(async (error) => {
      // Another `sluice up` may have put the same folder there in the meantime.
      if ((await wrongJars(folder, sums)).length > 0) throw error;
    });
    return folder;
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
}

/** Fetches a set and writes the hashes of its jars to conf/stack/SET/SHA256SUMS, in the format of sha256sum. */
export async function renewSums(set: JarSet, root: string, report: ReportProgress): Promise<void> {
  const fresh = await mkdtemp(join(tmpdir(), 'sluice-jars-'));
  try {
    await fetchInto(fresh, set, root, report);
    const lines = Object.entries(await verified(fresh)).map(([jar, { sha256 }]) => `${sha256}  ${jar}\n`);
    await writeFile(fileOf(set, root, 'SHA256SUMS'), lines.join(''));
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
}

async function sumsOf(set: JarSet, root: string): Promise<Sums> {
  const file = fileOf(set, root, 'SHA256SUMS');
  const text = await readFile(file, 'utf8').catch((error) => {
    throw rejected(
      `${file} cannot be read: ${reasonOf(error)}`,
      'copy it from a checkout of Sluice; there, npm run jar-sums writes it',
    );
  });
  const lines = text.split('\n').filter((line) => line !== '');
  return Object.fromEntries(
    lines.map((line, i) => {
      const [, sha256, jar] = /^([0-9a-f]{64}) [ *](\S+\.jar)$/.exec(line) ?? [];
      if (sha256 === undefined || jar === undefined)
        throw rejected(`${file}:${i + 1} is no line of a hash and a jar`, 'renew it: npm run jar-sums');
      return [jar, sha256];
    }),
  );
}

/** Fills a folder of its own. `-C`: Maven refuses what differs from the repository's own checksum. */
async function fetchInto(
  folder: string,
  set: JarSet,
  root: string,
  report: ReportProgress,
  total?: number,
): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const args = [
    '-B',
    '-C',
    '-f',
    fileOf(set, root, 'pom.xml'),
    'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies',
    `-DoutputDirectory=${folder}`,
    '-DincludeScope=runtime',
  ];
  let fetched = 0;
  const maven = execa('mvn', args, { reject: false, all: true });
  maven.all.on('data', (chunk: Buffer) => {
    const jars = chunk.toString().match(/Downloaded from .*\.jar/g)?.length ?? 0;
    if (jars === 0) return;
    fetched += jars;
    if (total === undefined) report(`${set}: ${fetched} jars fetched`);
    else report(`${set}: ${fetched} of up to ${total} jars fetched`, Math.min(1, fetched / total));
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

/** Removes damaged jars from Maven's own repository, so that they are downloaded anew. */
async function forgetInMaven(jars: readonly string[]): Promise<void> {
  const repository = join(homedir(), '.m2', 'repository');
  if (!existsSync(repository)) return;
  for (const path of await readdir(repository, { recursive: true })) {
    if (jars.some((jar) => path.endsWith(`/${jar}`))) await rm(join(repository, path), { force: true });
  }
}

/** The jars of a folder by which it differs from a list: missing, not listed, or with another hash. */
async function wrongJars(folder: string, sums: Sums): Promise<string[]> {
  const found = await verified(folder);
  return [...new Set([...Object.keys(sums), ...Object.keys(found)])].filter((jar) => found[jar]?.sha256 !== sums[jar]);
}

/** The jars of a folder, hashed unless they were and have not been touched since. */
async function verified(folder: string): Promise<Manifest> {
  const file = join(folder, manifestName);
  const known = await readManifest(file);
  const found: Manifest = {};
  for (const jar of (await readdir(folder)).filter((name) => name.endsWith('.jar')).sort()) {
    const { size, mtimeMs } = await stat(join(folder, jar));
    const before = known[jar];
    found[jar] =
      before?.size === size && before.mtimeMs === mtimeMs
        ? before
        : { size, mtimeMs, sha256: await hashOf(join(folder, jar)) };
  }
  const text = JSON.stringify(found);
  if (text !== JSON.stringify(known)) {
    await writeFile(`${file}.${process.pid}`, text);
    await rename(`${file}.${process.pid}`, file);
  }
  return found;
}

/** A manifest that cannot be read costs the time to hash the jars. */
async function readManifest(file: string): Promise<Partial<Manifest>> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as Partial<Manifest>;
  } catch {
    return {};
  }
}

async function hashOf(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return hash.digest('hex');
}
