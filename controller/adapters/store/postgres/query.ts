import type pg from 'pg';

/** A query of the pool, answered or explained. */
export type Query = (sql: string, values?: unknown[]) => Promise<pg.QueryResult>;

/** Whether a run is the project's whose name is the parameter; runs from before they had projects are everybody's. */
export const ofProject = (parameter: '$1' | '$2' | '$3'): string => `project IN (${parameter}, '')`;
