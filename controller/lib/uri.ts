import { join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const withScheme = /^([a-z][a-z0-9+.-]*):\/\//;

/** `s3` of `s3://bucket/key`; `file` of a path. */
export const schemeOf = (uri: string): string => withScheme.exec(uri)?.[1] ?? 'file';

const isFile = (uri: string): boolean => schemeOf(uri) === 'file';

/** The path of a file on this machine. */
export const pathOf = (uri: string): string => (uri.startsWith('file:') ? fileURLToPath(uri) : uri);

/** The URI of a location that a person has written; a path is relative to `root`. Slashes at its end count for nothing. */
export const located = (root: string, location: string): string =>
  isFile(location) ? resolve(root, pathOf(location)) : location.replace(/\/+$/, '');

/** The URI of what lies below a location. */
export const below = (uri: string, ...names: readonly string[]): string =>
  isFile(uri) ? join(uri, ...names) : [uri.replace(/\/+$/, ''), ...names].join('/');

/** A location for people: a path relative to `root`, any other URI as it is. */
export const shownFrom = (root: string, uri: string): string => (isFile(uri) ? relative(root, uri) : uri);

/** What comes after the last slash. */
export const nameOf = (uri: string): string => uri.slice(uri.lastIndexOf('/') + 1);

/** What comes before the last slash. */
export const folderOf = (uri: string): string => uri.slice(0, uri.lastIndexOf('/'));
