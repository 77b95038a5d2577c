import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { type Kind, type Kinds, kindOf, type Pipeline, sqlFiles } from '../domain/pipeline.ts';
import { liesIn } from '../lib/paths.ts';
import { didYouMean } from '../lib/suggest.ts';
import { located, schemeOf } from '../lib/uri.ts';
import { variablesIn } from '../lib/variables.ts';
import { type Allowed, baseOf, isSetLate, maySet } from './allowed.ts';

/** A broken reference of a pipeline, with the key path that contains it. */
export interface Broken {
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

/**
 * The names that a pipeline may use: kinds, connections by their section of conf/connections.yaml, and its rights
 * beyond the project.
 */
export interface Known {
  readonly kinds: Kinds;
  readonly connections: Readonly<Record<string, readonly string[]>>;
  readonly allow?: Allowed;
}

/** A source, an output, a task, a trigger or a notification of a pipeline, with its kind and its key path. */
export interface Part {
  readonly kind: Kind;
  readonly value: unknown;
  readonly path: readonly PropertyKey[];
}

/** All parts of a pipeline that have a kind. */
export function partsOf({ sources: all, steps: each, triggers = {}, notify }: Pipeline, kinds: Kinds): Part[] {
  const parts: Part[] = Object.entries(all).map(([name, source]) => ({
    kind: kindOf(kinds.sources, source),
    value: source,
    path: ['sources', name],
  }));
  for (const [name, step] of Object.entries(each)) {
    for (const kind of kinds.tasks)
      if (step[kind.kind] !== undefined) parts.push({ kind, value: step[kind.kind], path: ['steps', name, kind.kind] });
    for (const [index, output] of step.outputs.entries())
      parts.push({ kind: kindOf(kinds.sinks, output), value: output, path: ['steps', name, 'outputs', index] });
  }
  for (const [name, trigger] of Object.entries(triggers))
    parts.push({ kind: kindOf(kinds.triggers, trigger), value: trigger, path: ['triggers', name] });
  for (const [index, entry] of notify.entries()) {
    const kind = kindOf(kinds.notifiers, entry);
    parts.push({ kind, value: entry[kind.kind], path: ['notify', index, kind.kind] });
  }
  return parts;
}

/** The text of a field, by its path. */
export const textAt = (value: unknown, at: readonly string[]): string => String(valueAt(value, at));

/** The value at a path of keys; undefined when there is none. */
const valueAt = (value: unknown, at: readonly string[]): unknown =>
  at.reduce<unknown>((of, key) => (of as Readonly<Record<string, unknown>> | undefined)?.[key], value);

/** Locations outside the project that conf/ does not allow, and missing files. */
export function* places(
  { steps: each }: Pipeline,
  parts: readonly Part[],
  root: string,
  { kinds: { storages }, allow }: { readonly kinds: Pick<Kinds, 'storages'>; readonly allow: Allowed },
): Generator<Broken> {
  const folders = [root, ...allow.paths];
  const schemes = storages.map(({ kind }) => kind);
  function* look(path: readonly PropertyKey[], text: string, is: 'glob' | 'folder' | 'file'): Generator<Broken> {
    const place = is === 'glob' ? baseOf(text) : text;
    if (!schemes.includes(schemeOf(place)))
      yield { path, message: oneOf('storage for', `${schemeOf(place)}://`, schemes) };
    else if (!liesIn(folders, located(root, place)))
      yield {
        path,
        message: `${place} lies outside the project; allow.paths in conf/connections.yaml says where else files may be`,
      };
    else if (is === 'file' && !existsSync(resolve(root, place)))
      yield { path, message: `there is no file ${place} in ${root}` };
  }
  for (const { kind, value, path } of parts)
    for (const { at, is } of kind.places ?? [])
      if (valueAt(value, at) !== undefined) yield* look([...path, ...at], textAt(value, at), is);
  for (const [name, { spark }] of Object.entries(each))
    for (const file of spark ? sqlFiles(spark) : []) yield* look(['steps', name, 'spark', 'sql'], file, 'file');
}

/** Spark properties that conf/ does not allow. */
export function* properties({ steps: each }: Pipeline, allow: Allowed): Generator<Broken> {
  for (const [name, { spark }] of Object.entries(each))
    for (const [property, value] of Object.entries(spark?.conf ?? {})) {
      const path = ['steps', name, 'spark', 'conf', property];
      if (variablesIn(value).length > 0 && !isSetLate(property))
        yield {
          path,
          message: `${property} is set before a job has its secrets; only spark.hadoop.*, spark.sql.* and properties of your own can take \${NAME}`,
        };
      if (!maySet(property, allow.sparkConf))
        yield {
          path,
          message: `${property} loads code, moves files, opens doors or is Sluice's to set; allow.sparkConf in conf/connections.yaml says what pipelines may set all the same`,
        };
    }
}

/** The message about an unknown name, with a suggestion or the known names. */
export const oneOf = (what: string, name: string, names: readonly string[]): string =>
  `there is no ${what} "${name}"${didYouMean(name, names) || ` (known: ${names.slice(0, 20).join(', ') || 'none'}${names.length > 20 ? ', …' : ''})`}`;

/** Connections that are missing in conf/. */
export function* connections(parts: readonly Part[], known: Known): Generator<Broken> {
  for (const { kind, value, path } of parts) {
    if (!kind.connection) continue;
    const { section, at } = kind.connection;
    const names = known.connections[section] ?? [];
    const name = textAt(value, at);
    if (!names.includes(name))
      yield {
        path: [...path, ...at],
        message: `${oneOf(`${section} connection`, name, names)} in conf/connections.yaml`,
      };
  }
}
