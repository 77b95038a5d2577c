import { z } from 'zod';
import { addressesOf } from '../../../config/addresses.ts';
import type { TaskDriver } from '../../drivers.ts';

const spec = z
  .strictObject({
    connection: z.string().describe('A connection of conf/connections.yaml'),
    sql: z.string().min(1).describe('A file of statements for PostgreSQL'),
  })
  .describe('Statements in one transaction, done once however often the step is tried');
export type DatabaseJob = z.output<typeof spec>;

/** Statements in PostgreSQL. */
export const postgresTask: TaskDriver = {
  kind: 'postgres',
  spec,
  connection: { section: 'postgres', at: ['connection'] },
  places: [{ at: ['sql'], is: 'file' }],
  check: (task, project) => void addressesOf(project).postgres((task as DatabaseJob).connection),
  async open({ project }) {
    const { postgresTaskRunner } = await import('./postgres.ts');
    return postgresTaskRunner(project.root, addressesOf(project).postgres);
  },
  describe(task) {
    const { sql, connection } = task as DatabaseJob;
    return `runs ${sql} in ${connection}`;
  },
};
