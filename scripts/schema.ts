import { writeFileSync } from 'node:fs';
import { builtIn } from '../controller/app/registry.ts';
import { pipelineJsonSchema } from '../controller/pipeline/json-schema.ts';
import { kindsPage } from '../test/pipeline/kinds-page.ts';

/**
 * Writes the files that are generated from the registry: the JSON Schema of pipeline files, and the page of all kinds.
 */
writeFileSync(new URL('../conf/pipeline.schema.json', import.meta.url), pipelineJsonSchema(builtIn));
writeFileSync(new URL('../docs/kinds.md', import.meta.url), kindsPage(builtIn));
