import { join, resolve } from 'node:path';
import { filePublisher } from '../adapters/sinks/files.ts';
import { stagingFolder } from '../adapters/sinks/folder.ts';
import { postgresPublisher, stagingTable } from '../adapters/sinks/postgres.ts';
import { addressesOf } from '../config/addresses.ts';
import type { Project } from '../config/project.ts';
import type { Output } from '../domain/pipeline.ts';
import type { Publisher, Staged } from '../domain/ports/sink.ts';

/** The publisher of a project: hands each sink to the adapter of its kind. */
export function publisherOf(project: Project, scratch: string): Publisher {
  const files = filePublisher(project.root, scratch);
  const tables = postgresPublisher(addressesOf(project).postgres);
  const of = ({ kind }: Staged): Publisher => (kind === 'postgres' ? tables : files);
  return {
    prepare: (staged) => of(staged).prepare(staged),
    audit: (staged) => of(staged).audit(staged),
    publish: (staged, fence) => of(staged).publish(staged, fence),
    discard: (staged) => of(staged).discard(staged),
  };
}

/** Where an attempt stages a sink of its step; `rowsOf` is asked for the rows of each place. */
export function stagedAt(
  root: string,
  output: Output,
  key: string,
  rowsOf: (place: string) => number = () => 0,
): Staged {
  const views = (placeOf: (view: string) => string): Staged['views'] =>
    output.views.map((view) => {
      const unique = output.unique?.[view];
      return { view, place: placeOf(view), rows: rowsOf(placeOf(view)), ...(unique === undefined ? {} : { unique }) };
    });
  const change = output.schemaChange === 'allow' ? { mayChange: true as const } : {};
  if ('postgres' in output) {
    const schema = output.schema ?? 'public';
    return {
      kind: 'postgres',
      target: `${output.postgres}/${schema}`,
      key,
      ...change,
      views: views((view) => stagingTable(schema, view, key)),
    };
  }
  const kind = 'parquet' in output ? 'parquet' : 'csv';
  const target = resolve(root, 'parquet' in output ? output.parquet : output.csv);
  return { kind, target, key, ...change, views: views((view) => join(stagingFolder(target, key), view)) };
}
