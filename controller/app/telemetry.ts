import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { TelemetryDriver } from '../adapters/drivers.ts';
import { allowedIn } from '../config/project.ts';
import type { Dataset } from '../domain/dataset.ts';
import { kindOf, type Pipeline, type Step, sqlFiles } from '../domain/pipeline.ts';
import type { Ports } from '../engine/ports.ts';
import { version } from '../lib/env.ts';
import { SluiceError } from '../lib/errors.ts';
import { liesIn } from '../lib/paths.ts';
import { storable } from '../lib/storable.ts';
import { boundedLineage, partsOfTrace } from '../telemetry/bounded.ts';
import { keyOfLineage, type LineageNames, newLineage } from '../telemetry/lineage.ts';
import { traceOf } from '../telemetry/trace.ts';
import type { Adapters } from './wiring.ts';

/** What all receivers of a kind are told, by a name that is the same whenever it is rendered. */
type Telling = readonly [key: string, body: object];
type Change = Parameters<NonNullable<Ports['telemetry']>>[0];

/** Renders the messages of a run to the receivers of lineage and traces in conf/; undefined when there are none. */
export function telemetryOf(adapters: Adapters, run: string): Ports['telemetry'] {
  const { registry, context } = adapters;
  const { name: project, connections } = context.project;
  const render: Readonly<Record<TelemetryDriver['takes'], (change: Change) => Promise<readonly Telling[]>>> = {
    async lineage({ before, after }) {
      if (!after.pipeline) return [];
      const events = newLineage(before, after, await lineageNames(adapters, after.pipeline));
      return events.map((event) => [keyOfLineage(event), boundedLineage(event)]);
    },
    async trace({ history }) {
      const parts = history.length === 0 ? [] : partsOfTrace(traceOf(history, { project, version }));
      return parts.map((part, i) => [`${project} ${run} trace ${i}`, part]);
    },
  };
  const receivers = registry.telemetry
    .map(({ kind, takes, connection: { section } }) => ({
      kind,
      takes,
      names: Object.keys(connections[section] ?? {}),
    }))
    .filter(({ names }) => names.length > 0);
  if (receivers.length === 0) return undefined;
  return async (change) => {
    const messages = receivers.map(async ({ kind, takes, names }) => {
      const told = await render[takes](change);
      return names.flatMap((to) =>
        told.map(([key, body]) => {
          const id = createHash('sha256').update(`${key}\n${kind} ${to}`).digest('hex').slice(0, 32);
          return { id, channel: kind, run, event: takes, to, body: storable(body) };
        }),
      );
    });
    return (await Promise.all(messages)).flat();
  };
}

/** The names in the lineage of a pipeline, with the SQL of its steps as the files are now. */
export async function lineageNames(
  { registry, context: { project } }: Adapters,
  pipeline: Pipeline,
): Promise<LineageNames> {
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
  return {
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
}
