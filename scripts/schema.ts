import { writeFileSync } from 'node:fs';
import { builtIn } from '../controller/app/registry.ts';
import { version } from '../controller/lib/env.ts';
import { pipelineJsonSchema } from '../controller/pipeline/json-schema.ts';
import { openApi } from '../controller/server/routes-table.ts';
import { kindsPage } from '../test/pipeline/kinds-page.ts';

/**
 * Writes the generated files: from the registry the JSON Schema of pipeline files and the page of all kinds, and from
 * the table of routes the OpenAPI document.
 */
writeFileSync(new URL('../conf/pipeline.schema.json', import.meta.url), pipelineJsonSchema(builtIn));
writeFileSync(new URL('../docs/kinds.md', import.meta.url), kindsPage(builtIn));
writeFileSync(new URL('../docs/openapi.json', import.meta.url), `${JSON.stringify(openApi(version), null, 2)}\n`);
