import { realpathSync } from 'node:fs';
import { dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { isFile } from './uri.ts';

/** Whether a path, after following links, is in one of the folders. Other URIs are compared as written. */
export function liesIn(folders: readonly string[], path: string): boolean {
  if (!isFile(path))
    return (
      !path.split('/').some((part) => part === '.' || part === '..') &&
      folders.some((folder) => path === folder || path.startsWith(`${folder.replace(/\/+$/, '')}/`))
    );
  const real = realPath(resolve(path));
  return folders.some((folder) => {
    const way = relative(realPath(resolve(folder)), real);
    return way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way);
  });
}

/** A path after following links. A missing path is placed where it would be created. */
export function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    const parent = dirname(path);
    return parent === path ? path : join(realPath(parent), path.slice(parent.length));
  }
}
