import type { Storage, StoredObject } from '../../../domain/ports/storage.ts';
import type { Pin } from '../../../domain/profile.ts';
import { rejected, SluiceError } from '../../../lib/errors.ts';
import { liesIn } from '../../../lib/paths.ts';
import { isFile, pathOf } from '../../../lib/uri.ts';
import { baseOf } from '../../../pipeline/allowed.ts';
import type { CsvPin } from './driver.ts';

/** Where the files of a source are. */
export interface Where {
  /** The folder to which paths are relative. */
  readonly root: string;
  readonly storage: Storage;
  /** Folders outside `root` in which files may be. */
  readonly allowed?: readonly string[];
}

/** A file as it was found. */
export type PinnedFile = CsvPin['files'][number];

const isSame = (a: PinnedFile, b: PinnedFile): boolean =>
  a.path === b.path && a.size === b.size && Math.abs(a.mtimeMs - b.mtimeMs) < 0.01;

/**
 * Throws a rejected SluiceError when a file has changed since it was pinned. Reading such a file gives misleading
 * errors.
 */
export async function checkUnchanged(storage: Storage, files: readonly PinnedFile[]): Promise<void> {
  for (const file of files) {
    const now = await storage.stat(file.path);
    if (now && isSame(file, pinned(now))) continue;
    throw rejected(
      `${file.path} ${now ? 'has changed' : 'is gone'} since it was found`,
      'start again once it is complete',
    );
  }
}

const pinned = ({ uri, size, modifiedMs }: StoredObject): PinnedFile => ({ path: uri, size, mtimeMs: modifiedMs });

/**
 * The files that match a glob, ordered by path. The folder before the glob may itself contain glob characters. `name` is
 * for messages.
 */
export async function filesOf(
  name: string,
  pattern: string,
  { root, storage, allowed = [] }: Where,
): Promise<readonly StoredObject[]> {
  const isPath = isFile(pattern);
  const folder = isPath ? root : baseOf(pattern);
  const glob = isPath ? pathOf(pattern) : pattern.slice(folder.length + 1);
  const files = await storage.find(folder, glob);
  const outside = files.find(({ uri }) => !liesIn([root, ...allowed], uri));
  if (outside)
    throw rejected(
      `${name}: ${outside.uri} is a link that leads out of the project`,
      'allow.paths in conf/connections.yaml says where else files may be',
    );
  return [...files].sort((a, b) => (a.uri < b.uri ? -1 : 1));
}

/** The files that match a glob, without those that are still written. Throws a rejected SluiceError when there is none. */
export async function pinFiles(
  name: string,
  pattern: string,
  where: Where,
  pending: readonly string[] = [],
): Promise<readonly PinnedFile[]> {
  const unfinished = new Set(pending);
  const files = (await filesOf(name, pattern, where)).filter(({ uri }) => !unfinished.has(uri)).map(pinned);
  const unnamable = files.find(({ path }) => path.includes('\\') && /[*?[]/.test(path));
  if (unnamable)
    throw rejected(
      `${name}: ${JSON.stringify(unnamable.path)} has a backslash and one of * ? [ in its name`,
      'rename it',
    );
  if (files.length === 0)
    throw rejected(
      `${name}: no file matches ${pattern} in ${isFile(pattern) ? where.root : baseOf(pattern)}`,
      'correct the glob, or put the files there (`sluice demo-data` makes some)',
    );
  return files;
}

/** Whether the last published run has read a file. */
export function seenIn(previous: Pin): (file: PinnedFile) => boolean {
  const before = new Map(previous.kind === 'csv' ? (previous as CsvPin).files.map((file) => [file.path, file]) : []);
  return (file) => {
    const old = before.get(file.path);
    return old !== undefined && isSame(file, old);
  };
}

/** The error, with the objects' names instead of those of their local copies. */
export function named(error: unknown, files: readonly PinnedFile[], locals: readonly string[]): unknown {
  if (!(error instanceof SluiceError)) return error;
  const { kind, hint, cause } = error;
  const message = files.reduce((text, { path }, i) => text.replaceAll(String(locals[i]), path), error.message);
  return new SluiceError(message, { kind, ...(hint === undefined ? {} : { hint }), cause });
}
