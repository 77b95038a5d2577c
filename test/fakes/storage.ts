import { createHash } from 'node:crypto';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { StorageDriver } from '../../controller/adapters/drivers.ts';
import type { Storage, StoredObject, Uri } from '../../controller/domain/ports/storage.ts';
import { rejected } from '../../controller/lib/errors.ts';

interface Content {
  readonly body: Buffer;
  readonly generation: number;
  readonly modifiedMs: number;
}

/**
 * An object store in memory, `mem://bucket/key`: like S3 and GCS without folders, links and renames. `folder` holds the
 * local copies.
 */
export function memoryStorage(folder: string): Storage & { readonly objects: ReadonlyMap<Uri, Content> } {
  const objects = new Map<Uri, Content>();
  let generation = 0;
  const put = (uri: Uri, body: string | Uint8Array): StoredObject => {
    const parent = [...objects.keys()].find((each) => uri.startsWith(`${each}/`));
    if (parent !== undefined) throw rejected(`${uri} cannot be: ${parent} is an object`);
    generation += 1;
    objects.set(uri, { body: Buffer.from(body), generation, modifiedMs: Date.now() });
    return shown(uri) as StoredObject;
  };
  const shown = (uri: Uri): StoredObject | undefined => {
    const found = objects.get(uri);
    return found && { uri, size: found.body.length, modifiedMs: found.modifiedMs, version: String(found.generation) };
  };
  const below = (prefix: Uri): Uri[] => [...objects.keys()].filter((uri) => uri.startsWith(`${prefix}/`)).sort();
  const storage: Storage = {
    list: async (prefix) => below(prefix).map((uri) => shown(uri) as StoredObject),
    find: async (prefix, glob) =>
      below(prefix)
        .filter((uri) => patternOf(glob).test(uri.slice(prefix.length + 1)))
        .map((uri) => shown(uri) as StoredObject),
    stat: async (uri) => shown(uri),
    read: async (uri) => objects.get(uri)?.body,
    async local(uri) {
      const found = objects.get(uri);
      if (!found) throw rejected(`there is no object ${uri}`);
      const name = createHash('sha256').update(`${uri} ${found.generation}`).digest('hex').slice(0, 16);
      const file = join(folder, name, uri.slice(uri.lastIndexOf('/') + 1));
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, found.body);
      return file;
    },
    async upload(file, uri) {
      const stored = put(uri, await readFile(file));
      await rm(file);
      return stored;
    },
    async copy(from, to) {
      const found = objects.get(from);
      if (!found) throw rejected(`there is no object ${from}`);
      put(to, found.body);
    },
    async move(prefix, to) {
      for (const uri of below(prefix)) {
        await storage.copy(uri, `${to}${uri.slice(prefix.length)}`);
        objects.delete(uri);
      }
    },
    write: async (uri, body) => put(uri, body),
    create: async (uri, body) => (objects.has(uri) ? undefined : put(uri, body)),
    replace: async (uri, body, version) => (shown(uri)?.version === version ? put(uri, body) : undefined),
    async remove(uri) {
      for (const each of [uri, ...below(uri)]) objects.delete(each);
    },
    watch: () => () => undefined,
  };
  return { ...storage, objects };
}

/** Stars are the only supported glob characters. */
function patternOf(glob: string): RegExp {
  const parts = glob.split(/(\*\*\/|\*)/).map((part) => {
    if (part === '*') return '[^/]*';
    return part === '**/' ? '(.*/)?' : part.replace(/[^A-Za-z0-9]/g, '\\$&');
  });
  return new RegExp(`^${parts.join('')}$`);
}

/** The storage as a driver. */
export const memoryStorageDriver = (storage: Storage): StorageDriver => ({ kind: 'mem', open: async () => storage });
