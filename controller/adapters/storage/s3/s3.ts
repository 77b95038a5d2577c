import { createHash, randomUUID } from 'node:crypto';
import { createReadStream, createWriteStream, existsSync } from 'node:fs';
import { mkdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { CopyObjectCommand, GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import picomatch from 'picomatch';
import type { Storage } from '../../../domain/ports/storage.ts';
import { rejected } from '../../../lib/errors.ts';
import { nameOf } from '../../../lib/uri.ts';
import { attempt, objectsOf, placeOf, unlessMissing } from './objects.ts';

export interface S3Options {
  /** Of a service other than Amazon's. */
  readonly endpoint?: string | undefined;
  readonly region?: string | undefined;
  /** The bucket in the path instead of the host name: what most services other than Amazon's need. */
  readonly pathStyle?: boolean | undefined;
  readonly scratch: string;
}

/** Objects of Amazon S3, or of a service with its protocol that has conditional writes. */
export function s3Storage({ endpoint, region, pathStyle, scratch }: S3Options): Storage {
  const client = new S3Client({
    ...(endpoint !== undefined && { endpoint }),
    ...(region !== undefined && { region }),
    forcePathStyle: pathStyle ?? endpoint !== undefined,
  });
  const { statOf, written, writeIf, listed, removeAll } = objectsOf(client);

  const storage: Storage = {
    list: listed,
    stat: statOf,

    async find(folder, glob) {
      const root = folder.replace(/\/+$/, '');
      const { base, glob: rest } = picomatch.scan(glob);
      if (rest === '') return [(await statOf(`${root}/${glob}`)) ?? []].flat();
      const isMatch = picomatch(glob);
      const all = await listed(base === '' ? root : `${root}/${base}`);
      return all.filter(({ uri }) => isMatch(uri.slice(root.length + 1)));
    },

    read: (uri) =>
      attempt('GetObject', uri, async () => {
        const found = await unlessMissing(client.send(new GetObjectCommand(placeOf(uri))));
        return found?.Body && Buffer.from(await found.Body.transformToByteArray());
      }),

    async local(uri) {
      const found = await statOf(uri);
      if (!found) throw rejected(`there is no object ${uri}`);
      const { version } = found;
      const folder = join(scratch, 's3', createHash('sha256').update(`${uri}\n${version}`).digest('hex').slice(0, 24));
      const path = join(folder, nameOf(uri));
      if (existsSync(path)) return path;
      await mkdir(folder, { recursive: true });
      const fresh = `${path}.${randomUUID().slice(0, 8)}`;
      await attempt('GetObject', uri, async () => {
        // Of the version that was seen, and no other.
        const { Body } = await client.send(new GetObjectCommand({ ...placeOf(uri), IfMatch: version }));
        await pipeline(Body as Readable, createWriteStream(fresh));
      });
      await rename(fresh, path);
      return path;
    },

    async upload(file, uri) {
      const { size } = await stat(file);
      const params = { ...placeOf(uri), Body: createReadStream(file) };
      const { ETag } = await attempt('PutObject', uri, () => new Upload({ client, params }).done());
      await rm(file, { force: true });
      return written(uri, ETag, size);
    },

    async copy(from, to) {
      const { Bucket, Key } = placeOf(from);
      const CopySource = `${Bucket}/${Key.split('/').map(encodeURIComponent).join('/')}`;
      await attempt('CopyObject', from, () => client.send(new CopyObjectCommand({ ...placeOf(to), CopySource })));
    },

    async move(folder, to) {
      const root = folder.replace(/\/+$/, '');
      const all = await listed(root);
      for (const { uri } of all) await storage.copy(uri, `${to.replace(/\/+$/, '')}${uri.slice(root.length)}`);
      await removeAll(all.map(({ uri }) => uri));
    },

    async write(uri, body) {
      const put = new PutObjectCommand({ ...placeOf(uri), Body: Buffer.from(body) });
      const { ETag } = await attempt('PutObject', uri, () => client.send(put));
      return written(uri, ETag, Buffer.byteLength(body));
    },

    create: (uri, body) => writeIf(uri, body, undefined),
    replace: (uri, body, version) => writeIf(uri, body, version),

    async remove(uri) {
      await removeAll([uri, ...(await listed(uri)).map((each) => each.uri)]);
    },

    // The engine asks for what it waits for.
    watch: () => () => undefined,
  };
  return storage;
}
