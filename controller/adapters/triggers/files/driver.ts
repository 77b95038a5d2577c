import { createHash } from 'node:crypto';
import { basename } from 'node:path';
import { z } from 'zod';
import type { StoredObject } from '../../../domain/ports/storage.ts';
import { mostWaiting, type TriggerState } from '../../../domain/ports/triggers.ts';
import { milliseconds } from '../../../lib/duration.ts';
import { duration, identifier } from '../../../pipeline/schema.ts';
import type { PollContext, TriggerDriver } from '../../drivers.ts';
import type { Due, DueFiring } from '../../firing.ts';
import { needsSource, watched } from '../sources.ts';
import { isEnough, poll } from '../unread.ts';

/** A pattern of file names: `*` is any text. */
const pattern = z.string().regex(/^[^/]+$/, 'is a pattern of names, without a folder');
const spec = z.strictObject({
  files: z
    .union([
      identifier,
      z.strictObject({
        path: z
          .string()
          .min(1)
          .refine((text) => !text.includes('{{'), 'cannot have templates: a glob such as data/*.csv matches any name')
          .describe('A glob relative to the project, or in a storage'),
      }),
    ])
    .describe('A csv source of this pipeline, or a path'),
  settle: duration.default('30s').describe('A file counts once its size and time have not changed for so long'),
  ignore: z.array(pattern).default(['*.tmp', '*.part', '.*']).describe('Names that never count'),
  marker: pattern
    .optional()
    .describe('Files of this name alone count, such as _SUCCESS: they say that the others are complete'),
  atLeast: z.int().min(1).max(100_000).default(1).describe('How many new files start a run'),
  within: duration.optional().describe('Fewer start one when the first of them was seen so long ago'),
  each: z.boolean().default(false).describe('A run for each file, which is trigger.file'),
  poll: poll('10s'),
});
type Fields = z.output<typeof spec>;

/** The files that are accounted for. */
interface Cursor {
  /** Digests of their paths, sizes and times. */
  readonly seen: readonly string[];
  /** When a file after these was first seen. Milliseconds since 1970. */
  readonly since?: number | undefined;
}

/** The most digests that are kept of files that are no longer there. */
const mostGone = 50_000;
/** The most paths that a run knows. */
const mostPaths = 500;
/** How many times `settle` files that have settled wait for the others, so that files that come together make one run. */
const patience = 4;

/**
 * Fires when new files have arrived completely; the run does not read the others. Files from before the trigger was first
 * seen are not new; a file that is written again is.
 */
export const filesTrigger: TriggerDriver = {
  kind: 'files',
  spec,
  facts: { file: 'map<string, dyn>', files: 'list<string>', count: 'int', pending: 'map<string, dyn>' },
  places: [{ at: ['files', 'path'], is: 'glob' }],
  hurried: { settle: '0s' },
  broken: needsSource('files', 'csv'),

  async poll(trigger, known, context) {
    const fields = trigger as unknown as Fields;
    const found = (await find(fields, context)).filter((file) => counts(fields, file));
    const digests = new Map(found.map((file) => [digestOf(file), file]));
    const next = known.now + milliseconds(fields.poll);
    const cursor = known.cursor as Cursor | undefined;
    if (!cursor) return { firings: [], cursor: { seen: [...digests.keys()] }, next };
    const seen = new Set(cursor.seen);
    const fresh = [...digests].filter(([digest]) => !seen.has(digest));
    const { settled, longest } = settledOf(fresh, fields, known.now, context.memory);
    const pending = pendingOf(fields, fresh, settled);
    const gone = cursor.seen.filter((digest) => !digests.has(digest)).slice(-mostGone);
    /** The cursor once these are accounted for. */
    const after = (done: readonly string[], since?: number): Cursor => ({
      seen: [...gone, ...[...digests.keys()].filter((digest) => seen.has(digest)), ...done],
      ...(since !== undefined && { since }),
    });
    // The next poll comes early when a file may have settled by then.
    const soon =
      fresh.length > settled.length ? Math.min(next, known.now + Math.max(1000, milliseconds(fields.settle))) : next;
    const unsettled = fresh.length - settled.length;
    if (typeof fields.files === 'string' && unsettled > mostPaths) {
      const problem = `${unsettled} files of ${fields.files} are still being written, and a run can leave out ${mostPaths}: ignore them by name`;
      const isLate = longest >= patience * milliseconds(fields.settle);
      const waiting = { firings: [], cursor: after([], cursor.since ?? known.now), left: fresh.length, next: soon };
      return isLate ? { ...waiting, problem } : waiting;
    }
    if (fields.each) {
      const due = one(settled, pending, after, known, soon);
      return { ...due, left: fresh.length - due.firings.length };
    }
    const isDue = settled.length === fresh.length || longest >= patience * milliseconds(fields.settle);
    const ready = isDue ? settled : [];
    const due = all(fields, ready, pending, after, cursor, known, soon, fresh.length > 0);
    return { ...due, left: fresh.length - (due.firings.length > 0 ? ready.length : 0) };
  },

  describe(trigger) {
    const { files, settle, marker, each, atLeast, within } = trigger as unknown as Fields;
    const where = typeof files === 'string' ? files : files.path;
    const what = marker ?? (each ? 'a file' : atLeast === 1 ? 'a new file' : `${atLeast} new files`);
    const more = within === undefined ? '' : `, or fewer for ${within}`;
    return `${each ? 'for each' : 'when'} ${each ? (marker ?? 'file') : `${what} arrives`} in ${where}, unchanged for ${settle}${more}`;
  },
};

async function find({ files }: Fields, context: PollContext): Promise<readonly StoredObject[]> {
  if (typeof files === 'string') {
    const { source, watch } = await watched(files, context);
    return (await watch.files?.(source)) ?? [];
  }
  const csv = context.sourceKinds.find(({ kind }) => kind === 'csv');
  return (await (await csv?.watch?.(context))?.files?.(files.path)) ?? [];
}

const matches = (name: string, patterns: readonly string[]): boolean =>
  patterns.some((each) => {
    const parts = each.split('*');
    const [first = '', last = ''] = [parts[0], parts.at(-1)];
    if (parts.length === 1) return name === each;
    if (!name.startsWith(first) || !name.endsWith(last) || name.length < first.length + last.length) return false;
    let rest = name.slice(first.length, name.length - last.length);
    return parts.slice(1, -1).every((part) => {
      const at = rest.indexOf(part);
      rest = rest.slice(at + part.length);
      return at >= 0;
    });
  });

function counts({ ignore, marker }: Fields, { uri }: StoredObject): boolean {
  const name = basename(uri);
  return marker === undefined ? !matches(name, ignore) : matches(name, [marker]);
}

const identityOf = ({ uri, size, modifiedMs }: StoredObject): string =>
  JSON.stringify([uri, size, Math.round(modifiedMs)]);
const digestOf = (file: StoredObject): string =>
  createHash('sha256').update(identityOf(file)).digest('base64url').slice(0, 12);

type Found = readonly [digest: string, file: StoredObject];

/** The new files that have not changed for the time, as far as this process has seen, and how long the first one has. */
function settledOf(
  fresh: readonly Found[],
  { settle }: Fields,
  now: number,
  memory: Map<string, unknown>,
): { readonly settled: readonly Found[]; readonly longest: number } {
  const before = (memory.get('first seen') ?? new Map()) as ReadonlyMap<string, number>;
  const firstSeen = new Map(fresh.map(([digest]) => [digest, before.get(digest) ?? now]));
  memory.set('first seen', firstSeen);
  const age = ([digest]: Found): number => now - (firstSeen.get(digest) ?? now);
  const settled = fresh.filter((each) => age(each) >= milliseconds(settle));
  return { settled, longest: Math.max(0, ...settled.map(age)) };
}

/** The files that are still written, which a run of this source must not read. */
function pendingOf({ files }: Fields, fresh: readonly Found[], settled: readonly Found[]): { pending?: object } {
  const done = new Set(settled);
  const paths = fresh.filter((each) => !done.has(each)).map(([, { uri }]) => uri);
  return typeof files === 'string' && paths.length > 0 ? { pending: { [files]: paths } } : {};
}

/** A firing for each settled file, as many as may wait; the others follow. */
function one(
  settled: readonly Found[],
  pending: object,
  after: (done: readonly string[]) => Cursor,
  { now, waiting }: TriggerState,
  next: number,
): Due {
  const taken = settled.slice(0, Math.max(0, mostWaiting - waiting));
  const firings = taken.map(([, file]): DueFiring => {
    const { uri: path, size, modifiedMs } = file;
    const facts = {
      file: { path, name: basename(path), size, modified: new Date(modifiedMs).toISOString() },
      ...pending,
    };
    return { key: identityOf(file), due: now, facts, isAlone: true };
  });
  const isCut = taken.length < settled.length;
  return { firings, cursor: after(taken.map(([digest]) => digest)), next: isCut ? now + 1000 : next, isPartial: isCut };
}

/** One firing for all files that have settled. */
function all(
  { atLeast, within }: Fields,
  settled: readonly Found[],
  pending: object,
  after: (done: readonly string[], since?: number) => Cursor,
  { since }: Cursor,
  { now }: TriggerState,
  next: number,
  isAnyNew: boolean,
): Due {
  if (!isAnyNew) return { firings: [], cursor: after([]), next };
  const first = since ?? now;
  if (!isEnough(settled.length, { least: atLeast, within }, first, now))
    return { firings: [], cursor: after([], first), next };
  const digests = settled.map(([digest]) => digest);
  const hash = createHash('sha256')
    .update([...digests].sort().join(' '))
    .digest('hex')
    .slice(0, 16);
  const files = settled.slice(0, mostPaths).map(([, { uri }]) => uri);
  const facts = { files, count: settled.length, ...pending };
  const key = `${settled.length} ${settled.length === 1 ? 'file' : 'files'} ${hash}`;
  return { firings: [{ key, due: now, facts }], cursor: after(digests), next };
}
