import { join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const withScheme = /^([a-z][a-z0-9+.-]*):\/\//;

/** `s3` of `s3://bucket/key`; `file` of a path. */
export const schemeOf = (uri: string): string => withScheme.exec(uri)?.[1] ?? 'file';

/** Whether a URI is a file on this machine or a mounted file system. */
export const isFile = (uri: string): boolean => schemeOf(uri) === 'file';

/** The path of a file on this machine. */
export const pathOf = (uri: string): string => (uri.startsWith('file:') ? fileURLToPath(uri) : uri);

/** The URI of a location in a file written by a person. A path is relative to `root`. Trailing slashes are ignored. */
export const located = (root: string, location: string): string =>
  isFile(location) ? resolve(root, pathOf(location)) : location.replace(/\/+$/, '');

/** The URI of an object below a location. */
export const below = (uri: string, ...names: readonly string[]): string =>
  isFile(uri) ? join(uri, ...names) : [uri.replace(/\/+$/, ''), ...names].join('/');

/** A location for people: a path relative to `root`, any other URI unchanged. */
export const shownFrom = (root: string, uri: string): string => (isFile(uri) ? relative(root, uri) : uri);

/** The part after the last slash. */
export const nameOf = (uri: string): string => uri.slice(uri.lastIndexOf('/') + 1);

/** The part before the last slash. */
export const folderOf = (uri: string): string => uri.slice(0, uri.lastIndexOf('/'));
