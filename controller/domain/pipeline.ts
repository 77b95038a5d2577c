import { z } from 'zod';
import { failureKinds } from './failure-kinds.ts';

/** The pipeline file as a data engineer writes it. Everything unknown is refused. */

const identifier = z
  .string()
  .regex(/^[a-z][a-z0-9_]*$/, 'must be lower-case letters, digits and _, starting with a letter');
const slug = z.string().regex(/^[a-z][a-z0-9-]*$/, 'must be lower-case letters, digits and -, starting with a letter');
const duration = z.string().regex(/^\d+(ms|s|m|h)$/, 'must be a duration such as 500ms, 5s, 30m or 2h');
const condition = z.string().min(1).describe('A condition in CEL over what was measured');

export const columnTypes = ['string', 'int', 'bigint', 'double', 'boolean', 'date', 'timestamp'] as const;
const columnType = z.enum(columnTypes);

const column = z.union([
  columnType,
  z.strictObject({
    type: columnType,
    required: z.boolean().optional().describe('A row without it is invalid'),
    values: z.array(z.string()).min(1).optional().describe('A row with any other value is invalid'),
  }),
]);
const columns = z
  .record(identifier, column)
  .refine((all) => Object.keys(all).length > 0, 'must name at least one column');

const csvSource = z.strictObject({
  csv: z.string().min(1).describe('Files, as a glob relative to the project'),
  key: identifier.describe('The column that identifies a row'),
  columns: columns.describe('The header, in order, with the type of each column'),
});
const postgresSource = z.strictObject({
  postgres: z.string().describe('A connection of conf/connections.yaml'),
  table: z.string().regex(/^[a-z_][a-z0-9_]*(\.[a-z_][a-z0-9_]*)?$/, 'must be table or schema.table'),
  key: identifier,
  columns: columns.optional().describe('Rules for some of its columns; the types are the table’s own'),
});
const kafkaSource = z.strictObject({
  kafka: z.string().describe('A connection of conf/connections.yaml'),
  topic: z.string().min(1),
  key: identifier,
  columns: columns.describe('Fields of the JSON object in the message’s value'),
});
const source = z.union([csvSource, postgresSource, kafkaSource]);

const check = z
  .strictObject({
    name: z.string().min(1),
    expect: condition.optional(),
    rows: identifier.optional().describe('A source each of whose rows must fulfil `where`'),
    where: z
      .string()
      .min(1)
      .optional()
      .describe('SQL over the columns of a row, in DuckDB’s dialect; other sources are there by their names'),
    otherwise: z
      .enum(['fail', 'quarantine', 'warn'])
      .describe('fail: the run ends before Spark; quarantine: the rows are put aside; warn: it is told'),
  })
  .refine(
    ({ expect, rows, where }) =>
      (expect === undefined) !== (rows === undefined) && (rows === undefined) === (where === undefined),
    'must have either expect (a condition over measures) or rows and where (SQL for each row of a source)',
  );
const says = z.union([z.string(), z.strictObject({ en: z.string(), ru: z.string() })]);
const branch = z.strictObject({
  name: slug,
  if: condition.optional(),
  says: says.optional().describe('A sentence for the mail and the report when this branch is taken'),
});

const views = z.array(identifier).min(1).describe('Views that the SQL defines');
const ofOutput = {
  views,
  unique: z.record(identifier, identifier).optional().describe('By view, a column whose values are there once each'),
  schemaChange: z
    .enum(['refuse', 'allow'])
    .optional()
    .describe('Whether columns that readers know may go or change their type; refuse, when left out'),
};
const output = z.union([
  z.strictObject({ parquet: z.string().min(1).describe('A folder relative to the project'), ...ofOutput }),
  z.strictObject({ csv: z.string().min(1).describe('A folder relative to the project'), ...ofOutput }),
  z.strictObject({
    postgres: z.string().describe('A connection of conf/connections.yaml'),
    schema: identifier.optional(),
    ...ofOutput,
  }),
]);

const memory = z.string().regex(/^\d+[mg]$/, 'must be a size such as 512m or 2g');
const sparkJob = z.strictObject({
  sql: z
    .union([z.string().min(1), z.array(z.string().min(1)).min(1)])
    .describe('A file, or several in order, of statements that each create a temporary view'),
  inputs: z.array(identifier).optional().describe('The sources it reads; all, when left out'),
  executors: z.int().min(1).max(1000).optional(),
  executorCores: z.int().min(1).max(64).optional(),
  executorMemory: memory.optional(),
  driverMemory: memory.optional(),
  conf: z
    .record(z.string().regex(/^spark\.[^\s=]+$/, 'must begin with spark. and have no space and no ='), z.string())
    .optional(),
});

const httpCall = z
  .strictObject({
    url: z.string().min(1).describe('Whole; {{ CEL }} in it is filled in'),
    method: z.enum(['GET', 'POST', 'PUT', 'PATCH', 'DELETE']).default('GET'),
    headers: z.record(z.string(), z.string()).default({}),
    body: z.json().optional().describe('Sent as JSON; {{ CEL }} in its texts is filled in with the run’s values'),
    expect: z.array(z.int().min(100).max(599)).min(1).default([200, 201, 202, 204]).describe('Good statuses'),
  })
  .describe('A request to an external API; ${NAME} in it is taken when the request leaves, and kept nowhere');
const databaseJob = z
  .strictObject({
    connection: z.string().describe('A connection of conf/connections.yaml'),
    sql: z.string().min(1).describe('A file of statements for PostgreSQL'),
  })
  .describe('Statements in one transaction, done once however often the step is tried');

const pauses = {
  initialInterval: duration,
  backoffCoefficient: z.number().min(1).max(10),
  maximumInterval: duration,
};
const attempts = z.int().min(1).max(100);
export const retrySchema = z.strictObject({
  maximumAttempts: attempts.default(3).describe('Of all kinds of failure together'),
  initialInterval: pauses.initialInterval.default('5s'),
  backoffCoefficient: pauses.backoffCoefficient.default(2),
  maximumInterval: pauses.maximumInterval.default('1m'),
  patience: duration.default('10m').describe('How long a gateway may be away before the attempt counts as failed'),
  on: z
    .partialRecord(
      z.enum(failureKinds),
      z.union([attempts, z.strictObject({ maximumAttempts: attempts, ...pauses }).partial()]),
    )
    .default({})
    .describe('What holds for one kind of failure instead: so many attempts may end with it, with these pauses'),
});
const step = z
  .strictObject({
    if: condition.optional(),
    needs: z.array(slug).optional(),
    spark: sparkJob.optional(),
    http: httpCall.optional(),
    postgres: databaseJob.optional(),
    outputs: z.array(output).default([]).describe('Of a Spark step: where its views go'),
    retry: retrySchema.optional(),
    timeout: duration.optional().describe('Of one attempt; 1h, of an HTTP request 30s, when left out'),
    fallback: slug.optional().describe('A step that runs in its place when all its attempts have failed'),
  })
  .refine(
    ({ spark, http, postgres }) => [spark, http, postgres].filter(Boolean).length === 1,
    'must have exactly one of spark, http and postgres: what it does',
  )
  .refine(({ spark, outputs }) => spark || outputs.length === 0, {
    path: ['outputs'],
    message: 'are views of a Spark step; this one has none',
  });

const notification = z.strictObject({
  email: z.email().describe('One address; list several entries for several people'),
  on: z.array(z.enum(['succeeded', 'degraded', 'failed', 'skipped', 'cancelled'])).min(1),
  language: z.enum(['en', 'ru']).optional().describe('The reader’s; the project’s, when left out'),
});

const sql = z.string().min(1).describe('A query in DuckDB’s dialect over the views of the Parquet outputs');
const report = z.strictObject({
  title: says,
  figures: z
    .array(z.strictObject({ name: says, sql }))
    .default([])
    .describe('One value each, at the top'),
  charts: z
    .array(z.strictObject({ title: says, kind: z.enum(['line', 'bar', 'pie']), sql }))
    .default([])
    .describe('The first column is the axis, every other a series'),
  tables: z.array(z.strictObject({ title: says, sql })).default([]),
  spreadsheets: z.array(identifier).default([]).describe('Views to add as CSV files'),
});

export const pipelineSchema = z
  .strictObject({
    name: slug,
    description: z.string().optional(),
    sources: z
      .record(identifier, source)
      .refine((all) => Object.keys(all).length > 0, 'must name at least one source')
      .refine(
        (all) => !['total', 'quality', 'branch', 'steps', 'run', 'now'].some((name) => Object.hasOwn(all, name)),
        'total, quality, branch, steps, run and now are names that conditions use; call the source something else',
      ),
    checks: z.array(check).default([]),
    branches: z.array(branch).min(1),
    steps: z.record(slug, step),
    concurrency: z
      .enum(['queue', 'skip', 'replace', 'parallel'])
      .default('queue')
      .describe(
        'A run while an earlier one of this pipeline goes on: after it, not at all, in its place, or beside it',
      ),
    parallelism: z.int().min(1).max(100).default(4).describe('Steps of a run at the same time'),
    report: report.optional(),
    notify: z.array(notification).default([]),
  })
  .describe('A Sluice pipeline: sources, checks, branches, steps, report and mails');

export type Pipeline = z.output<typeof pipelineSchema>;
export type Source = Pipeline['sources'][string];
export type Step = Pipeline['steps'][string];
export type Output = Step['outputs'][number];
export type Retry = z.output<typeof retrySchema>;
export type Check = Pipeline['checks'][number];
export type RowCheck = Check & { readonly rows: string; readonly where: string };
export type Branch = Pipeline['branches'][number];
export type Report = NonNullable<Pipeline['report']>;
export type ColumnType = (typeof columnTypes)[number];
export type SparkJob = NonNullable<Step['spark']>;
export type HttpCall = NonNullable<Step['http']>;
export type DatabaseJob = NonNullable<Step['postgres']>;

export interface Column {
  readonly name: string;
  readonly type: ColumnType;
  readonly required: boolean;
  readonly values: readonly string[] | undefined;
}

/** A source's declared columns in order; its key is always required. */
export function columnsOf(source: Source): Column[] {
  return Object.entries(source.columns ?? {}).map(([name, column]) => {
    const long = typeof column === 'string' ? { type: column } : column;
    const required = name === source.key || (long.required ?? false);
    return { name, type: long.type, required, values: long.values };
  });
}

export const isRowCheck = (check: Check): check is RowCheck => check.rows !== undefined;
/** The checks that look at each row of a source, in order. */
export const rowChecks = ({ checks }: Pipeline): RowCheck[] => checks.filter(isRowCheck);

/** The SQL files of a job, in order. */
export const sqlFiles = ({ sql }: SparkJob): readonly string[] => [sql].flat();

/** A text that may be given in both languages. */
export const inLanguage = (text: z.output<typeof says>, language: 'en' | 'ru'): string =>
  typeof text === 'string' ? text : text[language];
