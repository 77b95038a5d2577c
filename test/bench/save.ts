import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Comparison } from './compare.ts';
import type { Figures, Part } from './figures.ts';
import { benchmarksPage } from './page.ts';
import type { ScaleRun } from './scale.ts';
import { scalePicture } from './scale-picture.ts';

const docs = join(import.meta.dirname, '../../docs');
const file = join(docs, 'benchmarks.json');
const today = (): string => new Date().toISOString().slice(0, 10);

function readFigures(): Figures {
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Figures) : { parts: {}, scale: [] };
}

/** Replaces the figures of a part, and writes the page anew. */
export function saveComparisons(part: Part, comparisons: readonly Comparison[]): void {
  const { parts, scale } = readFigures();
  save({ parts: { ...parts, [part]: { day: today(), comparisons } }, scale });
}

/** Adds a run to the curve in the place of earlier ones of as many rows, unless it is `more` of this time. */
export function saveScaleRun(run: ScaleRun, more: boolean): void {
  const { parts, scale } = readFigures();
  const others = scale.filter((each) => more || each.rows !== run.rows || each.engine !== run.engine);
  const all = [...others, run].sort((a, b) => a.rows - b.rows || a.engine.localeCompare(b.engine));
  save({ parts: { ...parts, scale: { day: today(), comparisons: [] } }, scale: all });
}

function save(figures: Figures): void {
  writeFileSync(file, `${JSON.stringify(figures, null, 2)}\n`);
  writeFileSync(join(docs, 'benchmarks.md'), benchmarksPage(figures));
  writeFileSync(join(docs, 'benchmarks-scale.svg'), scalePicture(figures.scale));
}
