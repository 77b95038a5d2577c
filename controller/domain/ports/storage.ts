/** Where an object is: an absolute path or `file:///…` on this machine, `s3://bucket/key`, `gs://bucket/key`. */
export type Uri = string;

export interface StoredObject {
  readonly uri: Uri;
  readonly size: number;
  /** When it was last written. Milliseconds since 1970; some storages know whole seconds. */
  readonly modifiedMs: number;
  /** Another one whenever the content may be another: an ETag, a generation, or a file's number, size and time. */
  readonly version: string;
}

/**
 * Files that controllers, drivers and executors share, wherever they are. An object is seen whole or not at all. Throws a
 * SluiceError: `rejected` for what a person has to mend (no such place, no right to it), `unavailable` for what may pass.
 */
export interface Storage {
  /** The objects below a prefix that ends a folder's name, in the order of their names; none when there is no such folder. */
  list(folder: Uri): Promise<readonly StoredObject[]>;
  /**
   * The objects below a folder whose names from there on match a glob, in the order of their names. Throws `rejected` for
   * a match that is no object, such as a pipe or a link that leads nowhere.
   */
  find(folder: Uri, glob: string): Promise<readonly StoredObject[]>;
  stat(uri: Uri): Promise<StoredObject | undefined>;
  /** The content, whole; undefined when there is no such object. */
  read(uri: Uri): Promise<Buffer | undefined>;
  /** The path of a file on this machine with the content of an object, for libraries that read files; it has the object's name. Throws `rejected` when there is none. */
  local(uri: Uri): Promise<string>;
  /** Takes the place of what was there, with the content of a file on this machine, which is not to be used any more. */
  upload(file: string, uri: Uri): Promise<StoredObject>;
  /** Makes an object with the content of another, in the same storage, which may share its room. */
  copy(from: Uri, to: Uri): Promise<void>;
  /** Moves what is in a folder to another one; after a crash half of it may be moved, and moving it again moves the rest. */
  move(folder: Uri, to: Uri): Promise<void>;
  /** Takes the place of what was there. `secret` objects can be read by their owner alone. */
  write(uri: Uri, body: string | Uint8Array, options?: { readonly secret?: true }): Promise<StoredObject>;
  /** Undefined when there is one already: of all who try at once, one succeeds. */
  create(uri: Uri, body: string | Uint8Array): Promise<StoredObject | undefined>;
  /** Takes the place of what is there if that is still of this version, or not there when it is undefined; undefined when not. */
  replace(uri: Uri, body: string | Uint8Array, version: string | undefined): Promise<StoredObject | undefined>;
  /** Removes an object or a folder with all that is in it; nothing when there is none. */
  remove(uri: Uri): Promise<void>;
  /** Calls back when an object of a folder may have changed; returns how to stop. Best effort. */
  watch(folder: Uri, changed: (name: string) => void): () => void;
}
