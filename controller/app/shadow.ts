import { thisMachine } from '../adapters/backends/embedded/machine.ts';
import { kindOf } from '../domain/pipeline.ts';
import type { BatchBackend } from '../domain/ports/backend.ts';
import type { ProofStore } from '../domain/ports/store.ts';
import type { Ports } from '../engine/ports.ts';
import { SluiceError } from '../lib/errors.ts';
import { below } from '../lib/uri.ts';
import { sizeEmbedded } from '../planning/engine.ts';
import { compareViews, placeOf, runCompared } from './comparisons.ts';
import { jobOf } from './engine-facts.ts';
import { type Adapters, folderOf } from './wiring.ts';

/** Longer than the embedded engine takes for any input that it is chosen for. Milliseconds. */
const longestMs = 600_000;

/** Recomputes a step that Spark has published on the embedded engine, compares both, and records what was found. */
export const shadowOf =
  (adapters: Adapters, embedded: BatchBackend, store: ProofStore, run: string): NonNullable<Ports['shadow']> =>
  async ({ pipeline, profiles, step: name, attempt, pair: planned, runNumber, stopped }) => {
    const { registry, context } = adapters;
    const step = pipeline.steps[name];
    if (!step?.spark) throw new TypeError(`${name} is no Spark step`);
    const { sql, inputs, load, pair } = await jobOf(adapters, step, pipeline, profiles);
    if (pair !== planned) throw new SluiceError('its SQL has changed since the plan', { kind: 'unavailable' });
    const published = new Map(
      step.outputs.flatMap((output) => {
        const { stage, publishedAt } = kindOf(registry.sinks, output);
        const { target } = stage(output, attempt.key, context.project.root);
        if (output.parquet === undefined || !publishedAt) return [];
        return output.views.map((view) => [view, publishedAt({ target, key: attempt.key }, runNumber, view)] as const);
      }),
    );
    const views = [...published.keys()];
    const key = `${attempt.key}-shadow`;
    const folder = below(folderOf(context.project, run), 'shadow', name, String(attempt.number));
    const { settings } = sizeEmbedded(step.spark, load, thisMachine);
    const started = performance.now();
    const until = started + longestMs;
    const late = (): string | undefined => (performance.now() > until ? 'it took too long' : stopped());
    try {
      const { error } = await runCompared(
        embedded,
        context.storage,
        { key, folder, sql, inputs, views, settings },
        late,
      );
      const seconds = (performance.now() - started) / 1000;
      const places = views.map(
        (view) => [view, { spark: published.get(view) ?? '', embedded: placeOf(folder, view) }] as const,
      );
      const found = error
        ? { rows: 0, problems: [`only the embedded engine fails: ${error.message.split('\n', 1)[0]}`] }
        : await compareViews(context, new Map(places));
      if (found.rows === 0 && found.problems.length === 0)
        throw new SluiceError('the views have no rows to compare', { kind: 'unavailable' });
      const [problem] = found.problems;
      const difference = problem === undefined ? {} : { difference: problem };
      await store.compared({ pair, by: 'shadow', ...difference });
      return { rows: found.rows, seconds, ...difference };
    } finally {
      await context.storage.remove(folder);
    }
  };
