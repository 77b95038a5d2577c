import { createHash } from 'node:crypto';
import type { SinkDriver } from '../../adapters/drivers.ts';
import { kindOf, type Output } from '../../domain/pipeline.ts';
import type { DataPromise } from '../../domain/promises.ts';
import { milliseconds } from '../../lib/duration.ts';
import type { LoadedPipeline } from '../../pipeline/loader.ts';
import { describePromise } from './promises.ts';

/** How bad a check that fails is, in the words of the standard. */
const severity = { fail: 'error', quarantine: 'warning', warn: 'info' } as const;

/**
 * A pipeline as a data contract (Open Data Contract Standard 3.1.0): its views with their keys, its checks as quality
 * and its promises as service levels. Pure.
 */
export function contractOf(project: string, { pipeline, text }: LoadedPipeline, sinks: readonly SinkDriver[]): object {
  const { name, description, checks, steps, promises = [] } = pipeline;
  const quality = checks.map((check) => ({
    ...{ type: 'text', name: check.name, severity: severity[check.otherwise] },
    description: check.expect ?? `each row of ${check.rows}: ${check.where}`,
  }));
  const views = Object.values(steps).flatMap(({ outputs }) =>
    outputs.flatMap((output) => output.views.map((view) => viewOf(view, output, sinks))),
  );
  return {
    ...{ apiVersion: 'v3.1.0', kind: 'DataContract', id: `${project}/${name}`, name, status: 'active' },
    version: createHash('sha256').update(text).digest('hex').slice(0, 12),
    ...(description !== undefined && { description: { purpose: description } }),
    schema: [...new Map(views.map((each) => [each.name, each])).values()].map((each) => ({
      ...each,
      ...(quality.length > 0 && { quality }),
    })),
    ...(promises.length > 0 && { slaProperties: promises.map(serviceLevel) }),
  };
}

function viewOf(view: string, output: Output, sinks: readonly SinkDriver[]) {
  const key = output.unique?.[view];
  return {
    ...{ name: view, logicalType: 'object' },
    description: kindOf(sinks, output).describe(output),
    ...(key !== undefined && { properties: [{ name: key, primaryKey: true, required: true, unique: true }] }),
  };
}

/** Durations are in seconds. */
function serviceLevel(promise: DataPromise): object {
  const { name, published, fresherThan, endsWithin, holds } = promise;
  const description = `${name}: ${describePromise(promise)}`;
  if (published) {
    const [hour, minute] = published.by.split(':').map(Number);
    const schedule = `${minute} ${hour} * * ${published.on}`;
    const value = `${published.by} ${published.zone}`;
    return { property: 'timeOfAvailability', value, scheduler: 'cron', schedule, description };
  }
  const limit = fresherThan ?? endsWithin;
  const property = fresherThan !== undefined ? 'freshness' : endsWithin !== undefined ? 'duration' : 'condition';
  return limit === undefined
    ? { property, value: holds, description }
    : { property, value: milliseconds(limit) / 1000, unit: 's', description };
}
