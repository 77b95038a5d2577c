import { z } from 'zod';
import type { Kinds } from '../domain/pipeline.ts';
import { pipelineSchema } from './schema.ts';

/** The JSON Schema of a pipeline file, for editors. A test compares conf/pipeline.schema.json with it. */
export function pipelineJsonSchema(kinds: Kinds): string {
  const schema = z.toJSONSchema(pipelineSchema(kinds), { io: 'input', reused: 'ref' });
  return `${JSON.stringify({ ...schema, title: 'Sluice pipeline' }, null, 2)}\n`;
}
