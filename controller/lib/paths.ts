import { realpathSync } from 'node:fs';
import { dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { schemeOf } from './uri.ts';

/** Whether a path, once its links are followed, lies in one of the folders; any other URI, as it is written. */
export function liesIn(folders: readonly string[], path: string): boolean {
  if (schemeOf(path) !== 'file')
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

/** A path with its links followed; what is not there yet lies where it would be made. */
export function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    const parent = dirname(path);
    return parent === path ? path : join(realPath(parent), path.slice(parent.length));
  }
}
