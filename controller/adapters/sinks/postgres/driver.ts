import { createHash } from 'node:crypto';
import { z } from 'zod';
import { addressesOf, jdbcUrl } from '../../../config/addresses.ts';
import type { Output } from '../../../domain/pipeline.ts';
import { identifier, ofOutput } from '../../../pipeline/schema.ts';
import { tableDataset } from '../../datasets.ts';
import type { SinkDriver } from '../../drivers.ts';

const spec = z.strictObject({
  postgres: z.string().describe('A connection of conf/connections.yaml'),
  schema: identifier.optional().describe('Where the tables are; public, when left out'),
  ...ofOutput,
});
const schemaOf = (output: object): string => (output as z.output<typeof spec>).schema ?? 'public';

/** Tables of a PostgreSQL schema. */
export const postgresSink: SinkDriver = {
  kind: 'postgres',
  spec,
  connection: { section: 'postgres', at: ['postgres'] },
  check: (output, project) => void addressesOf(project).postgres(String((output as Output).postgres)),
  async open({ project }) {
    const { postgresPublisher } = await import('./postgres.ts');
    return postgresPublisher(addressesOf(project).postgres);
  },
  stage(output, key) {
    const schema = schemaOf(output);
    return { target: `${output.postgres}/${schema}`, placeOf: (view) => stagingTable(schema, view, key) };
  },
  writes(output, _staged, project) {
    const address = addressesOf(project).postgres(String(output.postgres));
    const { host, port, database, user, tls } = address;
    const open = { host, port, database, user, ...(tls ? { tls } : {}) };
    return { databases: [address], fields: { url: jdbcUrl(address), user, address: open } };
  },
  dataset: (output, view, project) =>
    tableDataset(addressesOf(project).postgres(String(output.postgres)), `${schemaOf(output)}.${view}`),
  describe: (output) => `as tables of ${output.postgres}, schema ${schemaOf(output)}`,
};

/** The staging table of a view, `schema.view__key`. The key is hashed, because names have at most 63 characters. */
export const stagingTable = (schema: string, view: string, key: string): string =>
  `${schema}.${view.slice(0, 40)}__${createHash('sha256').update(key).digest('hex').slice(0, 12)}`;
