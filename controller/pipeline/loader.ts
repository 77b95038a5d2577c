import { relative } from 'node:path';
import { FileProblems, keyPath } from './problem.ts';
import { brokenReferences, type Known } from './references.ts';
import { type Pipeline, pipelineSchema } from './schema.ts';
import { readYaml } from './yaml-file.ts';

/** A pipeline that can be run: parsed, complete, every name in it found. */
export interface LoadedPipeline {
  readonly file: string;
  readonly pipeline: Pipeline;
  readonly text: string;
}

/** A token in a request must not be in the history, which keeps the pipeline: it is filled in when the request leaves. */
const inRequest = ([steps, , http]: readonly PropertyKey[]): boolean => steps === 'steps' && http === 'http';

/**
 * Reads and checks a pipeline file. Throws FileProblems (kind `rejected`) that name file, line, column, key,
 * what was found, what was expected and, where it can be guessed, the fix.
 */
export async function loadPipeline(path: string, known: Known, root: string): Promise<LoadedPipeline> {
  const file = relative(process.cwd(), path) || path;
  const { value: pipeline, text, at } = await readYaml(file, pipelineSchema, inRequest);
  const broken = brokenReferences(pipeline, known, root);
  if (broken.length > 0) {
    throw new FileProblems(
      file,
      broken.map((each) => ({ ...at(each.path), key: keyPath(each.path), message: each.message })),
    );
  }
  return { file, pipeline, text };
}
