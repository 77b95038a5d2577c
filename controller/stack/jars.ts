import { createHash } from 'node:crypto';
import { createReadStream, existsSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { cacheFolder } from '../lib/env.ts';
import { reasonOf, rejected, SluiceError } from '../lib/errors.ts';
import { removeStaleScratch } from './scratch.ts';
import type { ReportProgress } from './service.ts';

export type JarSet = 'spark' | 'livy' | 'kafka';
export const jarSets: readonly JarSet[] = ['spark', 'livy', 'kafka'];

/** The cached hash of a jar. It is valid while size and change time are the same. */
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

/** A set and the hash of its POM, so that other jars have another name. */
export const jarSetName = (set: JarSet, root: string): string =>
  `${set}-${createHash('sha256')
    .update(readFileSync(fileOf(set, root, 'pom.xml')))
    .digest('hex')
    .slice(0, 12)}`;

/**
 * The folder with the jars of a set. Maven downloads them once, from conf/stack/SET/pom.xml into the user's cache. The
 * folder has exactly the jars of conf/stack/SET/SHA256SUMS; missing and differing ones are downloaded again. `report`
 * receives the progress. Throws `unavailable` when the downloaded jars differ from the list.
 */
export async function jarsOf(set: JarSet, root: string, report: ReportProgress): Promise<string> {
  const folder = join(cacheFolder, 'jars', jarSetName(set, root));
  const sums = await sumsOf(set, root);
  if (existsSync(folder) && (await wrongJars(folder, sums)).length === 0) return folder;
  // Removes the remains of killed downloads, up to 350 MB each.
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
      // Another `sluice up` may have created the same folder meanwhile.
      if ((await wrongJars(folder, sums)).length > 0) throw error;
    });
    return folder;
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
}

/** Downloads a set and writes the hashes of its jars to conf/stack/SET/SHA256SUMS, in the format of sha256sum. */
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

/** Downloads into a new folder. `-C`: Maven rejects files that differ from the repository's checksum. */
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
  // Loaded here, because most commands start no process.
  const { execa } = await import('execa');
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

/** Removes damaged jars from Maven's local repository, so that Maven downloads them again. */
async function forgetInMaven(jars: readonly string[]): Promise<void> {
  const repository = join(homedir(), '.m2', 'repository');
  if (!existsSync(repository)) return;
  for (const path of await readdir(repository, { recursive: true })) {
    if (jars.some((jar) => path.endsWith(`/${jar}`))) await rm(join(repository, path), { force: true });
  }
}

/** The jars by which a folder differs from a list: missing, not listed, or with another hash. */
async function wrongJars(folder: string, sums: Sums): Promise<string[]> {
  const found = await verified(folder);
  return [...new Set([...Object.keys(sums), ...Object.keys(found)])].filter((jar) => found[jar]?.sha256 !== sums[jar]);
}

/** The hashes of the jars in a folder. Only new and changed jars are hashed. */
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

/** Without a readable manifest all jars are hashed again. */
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
