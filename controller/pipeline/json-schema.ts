import { z } from 'zod';
import type { Kinds } from '../domain/pipeline.ts';
import { pipelineSchema } from './schema.ts';

/** The JSON Schema of a pipeline file, for editors; conf/pipeline.schema.json holds it and a test keeps it fresh. */
export function pipelineJsonSchema(kinds: Kinds): string {
  const schema = z.toJSONSchema(pipelineSchema(kinds), { io: 'input', reused: 'ref' });
  return `${JSON.stringify({ ...schema, title: 'Sluice pipeline' }, null, 2)}\n`;
}
