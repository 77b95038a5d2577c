import type pg from 'pg';

/** Runs a query on the pool. Throws SluiceErrors. */
export type Query = (sql: string, values?: unknown[]) => Promise<pg.QueryResult>;
