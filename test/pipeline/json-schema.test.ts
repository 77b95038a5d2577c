import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { builtIn } from '../../controller/app/registry.ts';
import { pipelineJsonSchema } from '../../controller/pipeline/json-schema.ts';

test('conf/pipeline.schema.json is what the schema gives (npm run schema writes it)', async () => {
  const file = new URL('../../conf/pipeline.schema.json', import.meta.url);
  expect(await readFile(file, 'utf8')).toBe(pipelineJsonSchema(builtIn));
});
