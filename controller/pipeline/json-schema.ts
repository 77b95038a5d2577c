import { z } from 'zod';
import { pipelineSchema } from '../domain/pipeline.ts';

/** The JSON Schema of a pipeline file, for editors; conf/pipeline.schema.json holds it and a test keeps it fresh. */
export function pipelineJsonSchema(): string {
  const schema = z.toJSONSchema(pipelineSchema, { io: 'input', reused: 'ref' });
  return `${JSON.stringify({ ...schema, title: 'Sluice pipeline' }, null, 2)}\n`;
}
