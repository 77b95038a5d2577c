/** The location of an object: an absolute path or `file:///…` on this machine, `s3://bucket/key`, `gs://bucket/key`. */
export type Uri = string;

export interface StoredObject {
  readonly uri: Uri;
  readonly size: number;
  /** The time of the last write. Milliseconds since 1970; some storages have whole seconds. */
  readonly modifiedMs: number;
  /** Changes whenever the content may have changed: an ETag, a generation, or a file's inode, size and time. */
  readonly version: string;
}

/**
 * Files that controllers, drivers and executors share. Readers see an object whole or not at all. Throws a SluiceError:
 * `rejected` for what needs a manual fix (a missing location or right), `unavailable` for temporary errors.
 */
export interface Storage {
  /** The objects below a folder, ordered by name; empty when the folder does not exist. */
  list(folder: Uri): Promise<readonly StoredObject[]>;
  /**
   * The objects below a folder whose relative names match a glob, ordered by name. Throws `rejected` for a match that
   * is not an object, such as a pipe or a dangling link.
   */
  find(folder: Uri, glob: string): Promise<readonly StoredObject[]>;
  stat(uri: Uri): Promise<StoredObject | undefined>;
  /** The whole content; undefined when the object does not exist. */
  read(uri: Uri): Promise<Buffer | undefined>;
  /**
   * The path of a local file with the content and the name of an object, for libraries that read files. Throws
   * `rejected` when the object does not exist.
   */
  local(uri: Uri): Promise<string>;
  /** Replaces an object by the content of a local file, which the caller must not use afterwards. */
  upload(file: string, uri: Uri): Promise<StoredObject>;
  /** Copies an object within the storage; the copies may share their disk space. */
  copy(from: Uri, to: Uri): Promise<void>;
  /** Moves the content of a folder to another one. A crash may leave half of it; a repeated move completes it. */
  move(folder: Uri, to: Uri): Promise<void>;
  /** Replaces an object. `secret` objects are readable by their owner alone. */
  write(uri: Uri, body: string | Uint8Array, options?: { readonly secret?: true }): Promise<StoredObject>;
  /** Creates an object; undefined when it exists. Of concurrent callers, exactly one succeeds. */
  create(uri: Uri, body: string | Uint8Array): Promise<StoredObject | undefined>;
  /** Replaces an object if it still has this version (undefined: if it does not exist). Returns undefined otherwise. */
  replace(uri: Uri, body: string | Uint8Array, version: string | undefined): Promise<StoredObject | undefined>;
  /** Removes an object, or a folder with its content. A missing one is ignored. */
  remove(uri: Uri): Promise<void>;
  /** Calls back when an object of a folder may have changed; returns a function that stops watching. Best effort. */
  watch(folder: Uri, changed: (name: string) => void): () => void;
}
