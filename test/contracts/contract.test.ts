import { Ajv2019 } from 'ajv/dist/2019.js';
import { expect, test } from 'vitest';
import { builtIn } from '../../controller/app/registry.ts';
import { contractOf } from '../../controller/app/views/contract.ts';
import type { LoadedPipeline } from '../../controller/pipeline/loader.ts';
import { good, load } from '../pipeline/files.ts';
// The schema of the standard as published, without its descriptions and examples.
import schema from './odcs-3.1.0.json' with { type: 'json' };

const validate = new Ajv2019({ allErrors: true, strict: false, validateFormats: false }).compile(schema);
const promises = [
  { name: 'by breakfast', published: { by: '07:00', from: '00:00', on: 'mon-fri', zone: 'Europe/Moscow' } },
  { name: 'not stale', fresherThan: '24h' },
  { name: 'not too long', endsWithin: '30m' },
  { name: 'young', holds: 'orders.rows > 0' },
];

async function contractWith(more: object) {
  const pipeline = { ...(await load(good)), ...more };
  return contractOf('shop', { file: 'f', text: good, pipeline } as LoadedPipeline, builtIn.sinks) as Record<
    string,
    unknown
  >;
}

test('a pipeline is a contract by the published schema, with its views, checks and promises', async () => {
  const contract = await contractWith({ description: 'What customers bought', promises });
  expect([validate(contract), validate.errors]).toEqual([true, null]);
  expect(contract.slaProperties).toEqual([
    {
      ...{
        property: 'timeOfAvailability',
        value: '07:00 Europe/Moscow',
        scheduler: 'cron',
        schedule: '0 7 * * mon-fri',
      },
      description: 'by breakfast: published by 07:00 Europe/Moscow on mon-fri',
    },
    { property: 'freshness', value: 86_400, unit: 's', description: 'not stale: never older than 24h' },
    { property: 'duration', value: 1800, unit: 's', description: 'not too long: runs end within 30m' },
    { property: 'condition', value: 'orders.rows > 0', description: 'young: holds: orders.rows > 0' },
  ]);
  const views = contract.schema as { name: string; quality: object[] }[];
  expect(views.map(({ name }) => name)).toEqual([...new Set(views.map(({ name }) => name))]);
  expect(views[0]?.quality.length).toBeGreaterThan(0);
  // The schema can refuse.
  expect(validate({ ...contract, slaProperties: [{ property: 'x' }] })).toBe(false);
});

test('one without checks, promises and outputs is a contract, too', async () => {
  expect(validate(await contractWith({ checks: [], steps: {}, promises: undefined }))).toBe(true);
});
