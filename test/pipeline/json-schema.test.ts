import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { builtIn } from '../../controller/app/registry.ts';
import { pipelineJsonSchema } from '../../controller/pipeline/json-schema.ts';
import { kindsPage } from './kinds-page.ts';

test('docs/kinds.md matches the registry (npm run schema writes it)', async () => {
  const file = new URL('../../docs/kinds.md', import.meta.url);
  expect(await readFile(file, 'utf8')).toBe(kindsPage(builtIn));
});

test('conf/pipeline.schema.json matches the schema (npm run schema writes it)', async () => {
  const file = new URL('../../conf/pipeline.schema.json', import.meta.url);
  expect(await readFile(file, 'utf8')).toBe(pipelineJsonSchema(builtIn));
});
