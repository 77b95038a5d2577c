import { randomUUID } from 'node:crypto';
import { copyFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Context, Registry } from '../adapters/drivers.ts';
import { kindOf } from '../domain/pipeline.ts';
import { channelOf, type Notifier } from '../domain/ports/notifier.ts';
import type { Publisher } from '../domain/ports/sink.ts';
import type { SourceReader } from '../domain/ports/source.ts';
import type { Storage } from '../domain/ports/storage.ts';
import type { TaskRunner } from '../domain/ports/task.ts';
import { rejected } from '../lib/errors.ts';
import { schemeOf } from '../lib/uri.ts';
import { allExist } from '../snapshot/snapshot.ts';

/** Adapters by kind, each opened at its first use. */
function lazyAdapters<T, C>(drivers: readonly { readonly kind: string; open(context: C): Promise<T> }[], context: C) {
  const open = new Map<string, Promise<T>>();
  return {
    async of(kind: string): Promise<T> {
      const adapter = open.get(kind) ?? kindNamed(drivers, kind).open(context);
      open.set(kind, adapter);
      // A failed open, because of a missing file for example, is retried at the next use.
      adapter.catch(() => open.delete(kind));
      return adapter;
    },
    /** Returns the opened adapters and forgets them. */
    async taken(): Promise<T[]> {
      const all = [...open.values()];
      open.clear();
      return Promise.all(all);
    },
  };
}

function kindNamed<D extends { readonly kind: string }>(drivers: readonly D[], kind: string): D {
  const driver = drivers.find((each) => each.kind === kind);
  if (!driver) throw rejected(`there is no driver for ${JSON.stringify(kind)}`, 'use the Sluice that knew it');
  return driver;
}

/** The source reader of a run: passes each source to the adapter of its kind. */
export function sourceReaderOf({ sources }: Pick<Registry, 'sources'>, context: Context): SourceReader {
  const adapters = lazyAdapters(sources, context);
  return {
    profile: async (name, source, earlier) =>
      (await adapters.of(kindOf(sources, source).kind)).profile(name, source, earlier),
    isReadable: async (source, pin) =>
      pin.kept
        ? allExist(context.storage, pin.kept.paths)
        : (await adapters.of(kindOf(sources, source).kind)).isReadable(source, pin),
    async close() {
      await Promise.all((await adapters.taken()).map((reader) => reader.close()));
    },
  };
}

/** Passes staged output to the adapter of its sink's kind. */
export function publisherOf({ sinks }: Pick<Registry, 'sinks'>, context: Context): Publisher {
  const adapters = lazyAdapters(sinks, context);
  return {
    prepare: async (staged) => (await adapters.of(staged.kind)).prepare(staged),
    audit: async (staged) => (await adapters.of(staged.kind)).audit(staged),
    publish: async (staged, runNumber) => (await adapters.of(staged.kind)).publish(staged, runNumber),
    discard: async (staged) => (await adapters.of(staged.kind)).discard(staged),
  };
}

/** Passes each URI to the storage of its scheme. */
export function storageOf({ storages }: Pick<Registry, 'storages'>, context: Omit<Context, 'storage'>): Storage {
  const adapters = lazyAdapters(storages, context);
  const of = async (uri: string): Promise<Storage> => {
    const scheme = schemeOf(uri);
    if (!storages.some(({ kind }) => kind === scheme))
      throw rejected(
        `there is no storage for ${uri}`,
        `storages are ${storages.map(({ kind }) => `${kind}://`).join(', ')}`,
      );
    return adapters.of(scheme);
  };
  return {
    list: async (folder) => (await of(folder)).list(folder),
    find: async (folder, glob) => (await of(folder)).find(folder, glob),
    stat: async (uri) => (await of(uri)).stat(uri),
    read: async (uri) => (await of(uri)).read(uri),
    local: async (uri) => (await of(uri)).local(uri),
    upload: async (file, uri) => (await of(uri)).upload(file, uri),
    async copy(from, to) {
      if (schemeOf(from) === schemeOf(to)) return (await of(from)).copy(from, to);
      const file = join(context.scratch, randomUUID());
      await mkdir(context.scratch, { recursive: true });
      await copyFile(await (await of(from)).local(from), file);
      await (await of(to)).upload(file, to);
    },
    move: async (folder, to) => (await of(folder)).move(folder, to),
    write: async (uri, body, options) => (await of(uri)).write(uri, body, options),
    create: async (uri, body) => (await of(uri)).create(uri, body),
    replace: async (uri, body, version) => (await of(uri)).replace(uri, body, version),
    remove: async (uri) => (await of(uri)).remove(uri),
    watch(folder, changed) {
      let stop = (): void => undefined;
      const watched = of(folder).then((storage) => {
        stop = storage.watch(folder, changed);
      });
      return () => void watched.then(() => stop()).catch(() => undefined);
    },
  };
}

/** Passes each task to the adapter of its kind. */
export function taskRunnerOf({ tasks }: Pick<Registry, 'tasks'>, context: Context): TaskRunner {
  const adapters = lazyAdapters(tasks, context);
  return { run: async (request) => (await adapters.of(kindOf(tasks, request.step).kind)).run(request) };
}

/** Passes each message to the adapter of its channel. */
export function notifierOf(
  { notifiers, telemetry }: Pick<Registry, 'notifiers' | 'telemetry'>,
  context: Context,
): Notifier {
  const adapters = lazyAdapters([...notifiers, ...telemetry], context);
  return { send: async (message) => (await adapters.of(channelOf(message))).send(message) };
}
