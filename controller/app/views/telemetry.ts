import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { z } from 'zod';
import { allowedIn } from '../../config/project.ts';
import type { Dataset } from '../../domain/dataset.ts';
import type { Recorded } from '../../domain/events.ts';
import { kindOf, type Step, sqlFiles } from '../../domain/pipeline.ts';
import { fold } from '../../domain/state.ts';
import { version } from '../../lib/env.ts';
import { SluiceError } from '../../lib/errors.ts';
import { liesIn } from '../../lib/paths.ts';
import { type LineageEvent, type LineageNames, lineageOf } from '../../telemetry/lineage.ts';
import type { Adapters } from '../wiring.ts';
import { list } from './documents.ts';

const facets = z.record(z.string(), z.looseObject({ _producer: z.string(), _schemaURL: z.string() }));
const dataset = z.looseObject({ namespace: z.string(), name: z.string(), facets });

/** The document of `sluice lineage`. */
export const lineageSchema = z
  .object({
    run: z.string(),
    events: list(
      z.object({
        eventType: z.enum(['START', 'COMPLETE', 'FAIL', 'ABORT']),
        eventTime: z.iso.datetime(),
        producer: z.string(),
        schemaURL: z.string(),
        run: z.object({ runId: z.uuid(), facets }),
        job: z.object({ namespace: z.string(), name: z.string(), facets }),
        inputs: list(dataset),
        outputs: list(dataset),
      }),
    ).describe('RunEvents of OpenLineage 2-0-2, in the order of their times'),
  })
  .meta({ id: 'Lineage' });

const attributes = list(z.object({ key: z.string(), value: z.looseObject({}) }));
const id = (bytes: number): z.ZodString => z.string().regex(new RegExp(`^[0-9a-f]{${2 * bytes}}$`));
const nanoseconds = z.string().regex(/^\d+$/);

/** The document of `sluice trace`. */
export const traceSchema = z
  .object({
    resourceSpans: list(
      z.object({
        resource: z.object({ attributes }),
        scopeSpans: list(
          z.object({
            scope: z.object({ name: z.string(), version: z.string() }),
            spans: list(
              z.object({
                ...{ traceId: id(16), spanId: id(8), parentSpanId: id(8).optional(), name: z.string(), kind: z.int() },
                ...{ startTimeUnixNano: nanoseconds, endTimeUnixNano: nanoseconds, attributes },
                events: list(z.object({ timeUnixNano: nanoseconds, name: z.string(), attributes })),
                status: z.object({ code: z.int(), message: z.string().optional() }),
              }),
            ),
          }),
        ),
      }),
    ),
  })
  .meta({ id: 'Trace' })
  .describe('A body for /v1/traces of OTLP');

/** The lineage of a run, with the SQL of its steps as the files are now. */
export async function lineageDocument(
  { registry, context: { project } }: Adapters,
  history: readonly Recorded[],
): Promise<{ readonly run: string; readonly events: readonly LineageEvent[] }> {
  const { run = '', pipeline } = fold(history);
  if (!pipeline) return { run, events: [] };
  const sql = new Map<string, string>();
  const folders = [project.root, ...allowedIn(project).paths];
  for (const [name, { spark }] of Object.entries(pipeline.steps)) {
    const files = (spark ? sqlFiles(spark) : []).map((file) => resolve(project.root, file));
    if (files.length === 0 || !files.every((file) => liesIn(folders, file))) continue;
    // The files alone: what has started the run is not for all who may see its lineage.
    const texts = await Promise.all(files.map((file) => readFile(file, 'utf8'))).catch(() => undefined);
    if (texts) sql.set(name, texts.join(';\n'));
  }
  /** A name within this project, when conf/ or this version no longer knows the other one. */
  const known = (name: string, dataset: () => Dataset | undefined): Dataset => {
    const own = { namespace: project.name, name: `${pipeline.name}.${name}` };
    try {
      return dataset() ?? own;
    } catch (error) {
      if (!(error instanceof SluiceError) && !(error instanceof TypeError)) throw error;
      return own;
    }
  };
  const names: LineageNames = {
    project: project.name,
    version,
    source: (name) =>
      known(name, () => {
        const source = pipeline.sources[name] ?? {};
        return kindOf(registry.sources, source).dataset?.(source as never, project);
      }),
    output: (step, view, kind) =>
      known(view, () => {
        const { outputs } = pipeline.steps[step] as Step;
        const output = outputs.find((each) => each[kind] !== undefined && each.views.includes(view)) ?? {};
        return kindOf(registry.sinks, output).dataset?.(output as never, view, project);
      }),
    sql: (step) => {
      const query = sql.get(step);
      return query === undefined ? undefined : { query, dialect: 'spark' };
    },
  };
  return { run, events: lineageOf(history, names) };
}
