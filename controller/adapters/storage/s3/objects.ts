import { randomUUID } from 'node:crypto';
import {
  DeleteObjectsCommand,
  HeadObjectCommand,
  PutObjectCommand,
  paginateListObjectsV2,
  type S3Client,
} from '@aws-sdk/client-s3';
import type { StoredObject, Uri } from '../../../domain/ports/storage.ts';
import { rejected } from '../../../lib/errors.ts';
import { explained, isMissing, isUnmet } from './errors.ts';

interface Place {
  readonly Bucket: string;
  readonly Key: string;
}
export type Body = string | Uint8Array;

/** Objects that one request can remove. */
const removedAtOnce = 1000;
/** How often a conditional write is repeated whose outcome the service leaves open. */
const tries = 5;
/** The metadata by which a writer recognises its own object when the answer was lost. */
const writer = 'sluice-writer';

/** The bucket, and the key below it, which is empty for the bucket itself. */
function partsOf(uri: Uri): Place {
  const [, Bucket, Key = ''] = /^s3:\/\/([^/]+)(?:\/(.*))?$/s.exec(uri) ?? [];
  if (!Bucket) throw rejected(`${uri} is in no bucket`, 'write s3://BUCKET/KEY');
  return { Bucket, Key };
}

export function placeOf(uri: Uri): Place {
  const place = partsOf(uri);
  if (place.Key === '') throw rejected(`${uri} is a bucket, not an object`, 'write s3://BUCKET/KEY');
  return place;
}

/** A call of the service, whose errors name it and the object. */
export const attempt = <T>(call: string, uri: Uri, work: () => Promise<T>): Promise<T> =>
  work().catch((error: unknown) => {
    throw explained(call, uri, error);
  });

/** What work returns; undefined when its object is missing. */
export const unlessMissing = <T>(work: Promise<T>): Promise<T | undefined> =>
  work.catch((error: unknown) => {
    if (isMissing(error)) return undefined;
    throw error;
  });

/** What is done with the objects of a client: looks, conditional writes, lists, removals. */
export function objectsOf(client: S3Client) {
  /** An object with who has written it. */
  const headOf = (uri: Uri) =>
    attempt('HeadObject', uri, async () => {
      const found = await unlessMissing(client.send(new HeadObjectCommand(placeOf(uri))));
      if (!found) return undefined;
      const { ContentLength: size = 0, LastModified, ETag: version = '', Metadata } = found;
      return { stored: { uri, size, modifiedMs: LastModified?.getTime() ?? 0, version }, by: Metadata?.[writer] };
    });
  const statOf = async (uri: Uri): Promise<StoredObject | undefined> => (await headOf(uri))?.stored;

  /** What was written, unless another writer has replaced it meanwhile: then what is known of it. */
  async function written(uri: Uri, version: string | undefined, size: number): Promise<StoredObject> {
    const found = await statOf(uri);
    return found?.version === version && found ? found : { uri, size, modifiedMs: Date.now(), version: version ?? '' };
  }

  /**
   * Writes an object under a condition. The answer may be lost, or leave the outcome open (409): the object itself says
   * who has written it.
   */
  async function writeIf(uri: Uri, body: Body, version: string | undefined): Promise<StoredObject | undefined> {
    const id = randomUUID();
    const condition = version === undefined ? { IfNoneMatch: '*' } : { IfMatch: version };
    const request = { ...placeOf(uri), Body: Buffer.from(body), Metadata: { [writer]: id }, ...condition };
    for (let left = tries; ; left--) {
      let failed: unknown;
      try {
        const { ETag } = await client.send(new PutObjectCommand(request));
        return await written(uri, ETag, Buffer.byteLength(body));
      } catch (error) {
        failed = error;
      }
      const error = explained('PutObject', uri, failed);
      const isRefused = isUnmet(failed) || (version !== undefined && isMissing(failed));
      if (error.kind === 'rejected' && !isRefused) throw error;
      const found = await headOf(uri);
      if (found?.by === id) return found.stored;
      if (isRefused || found?.stored.version !== version) return undefined;
      if (left === 1) throw error;
    }
  }

  async function listed(folder: Uri): Promise<StoredObject[]> {
    const { Bucket, Key } = partsOf(folder);
    const Prefix = Key === '' ? '' : `${Key.replace(/\/+$/, '')}/`;
    return attempt('ListObjectsV2', folder, async () => {
      const all: StoredObject[] = [];
      // Consoles mark a folder by an empty object.
      for await (const { Contents = [] } of paginateListObjectsV2({ client }, { Bucket, Prefix }))
        for (const { Key: key = '', Size: size = 0, LastModified, ETag: version = '' } of Contents)
          if (!key.endsWith('/'))
            all.push({ uri: `s3://${Bucket}/${key}`, size, modifiedMs: LastModified?.getTime() ?? 0, version });
      return all;
    });
  }

  async function removeAll(uris: readonly Uri[]): Promise<void> {
    for (let at = 0; at < uris.length; at += removedAtOnce) {
      const places = uris.slice(at, at + removedAtOnce).map(placeOf);
      const [first] = places;
      if (!first) return;
      const Delete = { Objects: places.map(({ Key }) => ({ Key })), Quiet: true };
      await attempt('DeleteObjects', uris[at] as Uri, async () => {
        const { Errors = [] } = await client.send(new DeleteObjectsCommand({ Bucket: first.Bucket, Delete }));
        const [bad] = Errors.filter(({ Code }) => Code !== 'NoSuchKey');
        if (bad) throw Object.assign(new Error(bad.Message ?? bad.Code), { name: bad.Code ?? 'Error' });
      });
    }
  }

  return { statOf, written, writeIf, listed, removeAll };
}
