import type pg from 'pg';

/** A query of the pool, answered or explained. */
export type Query = (sql: string, values?: unknown[]) => Promise<pg.QueryResult>;
