import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { expect, test } from 'vitest';

/** The floors, lowest first: a file imports from its own floor and from those below. */
const floors = [
  'lib',
  'schedule',
  'domain',
  'pipeline',
  'planning',
  'telemetry',
  'machine',
  'messages',
  'config',
  'clients',
  'snapshot',
  'embedded',
  'engine',
  'adapters',
  'report',
  'stack',
  'demo',
  'app',
  'server',
  'cli',
];
const root = join(import.meta.dirname, '..', 'controller');
const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));

interface Arrow {
  readonly from: string;
  readonly to: string;
}
const arrows: Arrow[] = files.flatMap((from) =>
  [...readFileSync(join(root, from), 'utf8').matchAll(/(?:from|import\(|import) ?'(\.[^']+)'/g)].map((found) => ({
    from,
    to: normalize(join(dirname(from), String(found[1]))).replace(/\.js$/, '.ts'),
  })),
);
const floorOf = (file: string): number => floors.indexOf(file.split('/')[0] ?? '');
const shown = ({ from, to }: Arrow): string => `${from} -> ${to}`;

test('every file is on a floor, and every import is found', () => {
  expect(files.filter((file) => floorOf(file) < 0)).toEqual([]);
  expect(arrows.length).toBeGreaterThan(files.length);
  expect(arrows.filter(({ to }) => !files.includes(to)).map(shown)).toEqual([]);
});

test('no import leads to a floor above', () => {
  expect(arrows.filter(({ from, to }) => floorOf(to) > floorOf(from)).map(shown)).toEqual([]);
});

test('an adapter imports no other adapter, only files of the folders above it', () => {
  const between = arrows.filter(({ from, to }) => from.startsWith('adapters/') && to.startsWith('adapters/'));
  expect(between.length).toBeGreaterThan(0);
  const isShared = ({ from, to }: Arrow): boolean => `${dirname(from)}/`.startsWith(`${dirname(to)}/`);
  expect(between.filter((arrow) => !isShared(arrow)).map(shown)).toEqual([]);
});

test('no folders import each other in a circle', () => {
  const next = new Map<string, Set<string>>();
  for (const { from, to } of arrows) {
    const [a, b] = [dirname(from), dirname(to)];
    if (a !== b) next.set(a, (next.get(a) ?? new Set()).add(b));
  }
  const reaches = (from: string, goal: string, seen = new Set<string>()): boolean =>
    [...(next.get(from) ?? [])].some((folder) => {
      if (folder === goal) return true;
      if (seen.has(folder)) return false;
      seen.add(folder);
      return reaches(folder, goal, seen);
    });
  expect([...next.keys()].filter((folder) => reaches(folder, folder))).toEqual([]);
});

test('no folder has more than 20 files', () => {
  const counts = new Map<string, number>();
  for (const file of files) counts.set(dirname(file), (counts.get(dirname(file)) ?? 0) + 1);
  expect([...counts].filter(([, count]) => count > 20).map(([folder]) => folder)).toEqual([]);
});
