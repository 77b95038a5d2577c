import { relative, resolve } from 'node:path';
import { z } from 'zod';
import { type Kinds, kindOf, type Pipeline, type Trigger } from '../domain/pipeline.ts';
import { reasonOf } from '../lib/errors.ts';
import { liesIn } from '../lib/paths.ts';
import { FileProblems, keyPath, mostProblems, type Problem } from '../lib/yaml/problem.ts';
import { readYaml } from '../lib/yaml/yaml-file.ts';
import type { Known } from './parts.ts';
import { brokenReferences } from './references.ts';
import { pipelineSchema } from './schema.ts';

/** A checked pipeline: parsed, complete, with valid references. */
export interface LoadedPipeline {
  /** Relative to the project. */
  readonly file: string;
  readonly pipeline: Pipeline;
  readonly text: string;
  /** Its SQL or conditions use what has started the run, so each firing has a run of its own. */
  readonly usesTrigger?: boolean;
}

/**
 * Whether a field is filled in late. The history stores the pipeline, and must not hold tokens of requests or keys of
 * file systems. They are filled in when the request leaves or the job is prepared.
 */
const filledLate =
  ({ tasks, triggers }: Kinds) =>
  ([section, , kind, ...path]: readonly PropertyKey[]): boolean =>
    section === 'triggers'
      ? triggers.some((of) => of.late?.some((at) => at.every((name, i) => name === [kind, ...path][i])))
      : section === 'steps' &&
        ((kind === 'spark' && path[0] === 'conf') || tasks.some((task) => task.isLate && task.kind === kind));

/**
 * Reads and checks a pipeline file. Throws FileProblems (kind `rejected`) with file, line, column, key, the found and
 * the expected value, and a suggested fix where there is one.
 */
export async function loadPipeline(path: string, known: Known, root: string): Promise<LoadedPipeline> {
  const fromHere = relative(process.cwd(), path) || path;
  const { value, text, at } = await readYaml(fromHere, pipelineSchema(known.kinds), filledLate(known.kinds));
  const pipeline = await withIncluded(value, known, root, (path, error) => {
    throw new FileProblems(fromHere, [{ ...at(path), key: keyPath(path), message: reasonOf(error) }]);
  });
  const problems: Problem[] = [];
  for (const { path: key, message } of brokenReferences(pipeline, known, root)) {
    problems.push({ ...at(key), key: keyPath(key), message });
    if (problems.length === mostProblems) break;
  }
  if (problems.length > 0) throw new FileProblems(fromHere, problems);
  return { file: relative(root, path), pipeline, text };
}

/** A pipeline with the content of the YAML files that its triggers name. `places` refuses those that conf/ does not allow. */
async function withIncluded(
  pipeline: Pipeline,
  { kinds, allow }: Known,
  root: string,
  fail: (path: readonly PropertyKey[], error: unknown) => never,
): Promise<Pipeline> {
  const triggers: [string, Trigger][] = [];
  for (const [name, trigger] of Object.entries(pipeline.triggers ?? {})) {
    let included = trigger;
    for (const { field, spec } of kindOf(kinds.triggers, trigger).includes ?? []) {
      const given = trigger[field] as { readonly file: string } | undefined;
      if (!given) continue;
      const path = resolve(root, given.file);
      if (!liesIn([root, ...(allow?.paths ?? [])], path)) continue;
      const fromHere = relative(process.cwd(), path) || path;
      const content = await readYaml(fromHere, spec)
        .then(() => readYaml(fromHere, z.json()))
        .catch((error) => fail(['triggers', name, field, 'file'], error));
      included = { ...included, [field]: { ...given, content: content.value } };
    }
    triggers.push([name, included]);
  }
  return pipeline.triggers ? { ...pipeline, triggers: Object.fromEntries(triggers) } : pipeline;
}
