import type { PostgresAddress } from '../config/addresses.ts';
import type { Dataset } from '../domain/dataset.ts';
import { isFile, pathOf, schemeOf } from '../lib/uri.ts';

/** A file or a folder: its path, or its key in a bucket. */
export function fileDataset(uri: string): Dataset {
  if (isFile(uri)) return { namespace: 'file', name: pathOf(uri) };
  const [bucket = '', ...key] = uri.slice(schemeOf(uri).length + 3).split('/');
  return { namespace: `${schemeOf(uri)}://${bucket.slice(bucket.lastIndexOf('@') + 1)}`, name: key.join('/') };
}

/** A table or a view, as `schema.table`. */
export function tableDataset({ host, port, database }: PostgresAddress, table: string): Dataset {
  const server = host.includes(':') ? `[${host}]` : host;
  return { namespace: `postgres://${server}:${port}`, name: `${database}.${table}` };
}
