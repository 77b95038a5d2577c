import { writeFileSync } from 'node:fs';
import { builtIn } from '../controller/app/registry.ts';
import { pipelineJsonSchema } from '../controller/pipeline/json-schema.ts';

writeFileSync(new URL('../conf/pipeline.schema.json', import.meta.url), pipelineJsonSchema(builtIn));
