import { z } from 'zod';
import { failureKinds } from '../domain/failure-kinds.ts';
import { columnTypes, engines, type Kind, type Kinds, type Pipeline, type Step } from '../domain/pipeline.ts';
import { promises } from './promises.ts';

/** The schema of a pipeline file. Unknown keys are refused. */

/** The name of a source, a column or a view. */
export const identifier = z
  .string()
  .regex(/^[a-z][a-z0-9_]*$/, 'must be lower-case letters, digits and _, starting with a letter');
export const slug = z
  .string()
  .regex(/^[a-z][a-z0-9-]*$/, 'must be lower-case letters, digits and -, starting with a letter');
export const duration = z.string().regex(/^\d+(ms|s|m|h)$/, 'must be a duration such as 500ms, 5s, 30m or 2h');
const condition = z.string().min(1).describe('A condition in CEL over what was measured');

const columnType = z.enum(columnTypes);

const column = z.union([
  columnType,
  z.strictObject({
    type: columnType,
    required: z.boolean().optional().describe('A row without it is invalid'),
    values: z.array(z.string()).min(1).optional().describe('A row with any other value is invalid'),
  }),
]);
/** The columns of a source by name, each with its type and its rules. */
export const columns = z
  .record(identifier, column)
  .refine((all) => Object.keys(all).length > 0, 'must name at least one column');

const check = z
  .strictObject({
    name: z.string().min(1),
    expect: condition
      .optional()
      .describe('A condition in CEL over what was measured; normal(SOURCE.MEASURE) compares with earlier runs'),
    rows: identifier.optional().describe('A source each of whose rows must fulfil `where`'),
    where: z
      .string()
      .min(1)
      .optional()
      .describe('SQL over the columns of a row, in DuckDB’s dialect; other sources are there by their names'),
    otherwise: z
      .enum(['fail', 'quarantine', 'warn'])
      .describe('fail: end the run before Spark; quarantine: set the failing rows apart; warn: report only'),
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
  says: says.optional().describe('A sentence for mail and report when this branch is taken'),
});

const views = z.array(identifier).min(1).describe('Views that the SQL defines');
/** The fields of every kind of output. */
export const ofOutput = {
  views,
  unique: z.record(identifier, identifier).optional().describe('The unique key column of each view'),
  schemaChange: z
    .enum(['refuse', 'allow'])
    .optional()
    .describe('Whether breaking schema changes are published; refuse, when left out'),
};
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
  patience: duration.default('10m').describe('How long to wait for an unreachable gateway before the attempt fails'),
  on: z
    .partialRecord(
      z.enum(failureKinds),
      z.union([attempts, z.strictObject({ maximumAttempts: attempts, ...pauses }).partial()]),
    )
    .default({})
    .describe('Overrides for one kind of failure: a number of attempts, or attempts and pauses'),
});
const union = (kinds: readonly Kind[]): z.ZodType => z.union(kinds.map(({ spec }) => spec));

function stepOf({ sinks, tasks }: Kinds) {
  const work = ['spark', ...tasks.map(({ kind }) => kind)];
  const list = `${work.slice(0, -1).join(', ')}${work.length > 1 ? ' and ' : ''}${work.at(-1)}`;
  return z
    .strictObject({
      if: condition.optional(),
      needs: z.array(slug).optional(),
      spark: sparkJob.optional(),
      engine: z
        .enum(engines)
        .optional()
        .describe(
          'What computes a Spark step: spark; embedded: DuckDB on the controller’s machine; auto: embedded where it is proven to give the same result',
        ),
      ...Object.fromEntries(tasks.map(({ kind, spec }) => [kind, spec.optional()])),
      outputs: z.array(union(sinks)).default([]).describe('Of a Spark step: where its views go'),
      retry: retrySchema.optional(),
      timeout: duration.optional().describe('Of one attempt; 1h, of an HTTP request 30s, when left out'),
      fallback: slug.optional().describe('A step that runs when all attempts of this one have failed'),
    })
    .refine(
      (step) => work.filter((kind) => (step as Step)[kind] !== undefined).length === 1,
      `must have exactly one of ${list}: what it does`,
    )
    .refine(({ spark, outputs }) => spark || outputs.length === 0, {
      path: ['outputs'],
      message: 'are views of a Spark step; this one has none',
    })
    .refine(({ spark, engine }) => spark || engine === undefined, {
      path: ['engine'],
      message: 'is of a Spark step; this is none',
    })
    .overwrite((step) => {
      const { timeout } = tasks.find(({ kind }) => (step as Step)[kind] !== undefined) ?? {};
      return step.timeout === undefined && timeout !== undefined ? { ...step, timeout } : step;
    });
}

const ofNotification = {
  on: z
    .array(z.enum(['succeeded', 'degraded', 'failed', 'skipped', 'cancelled', 'alert']))
    .min(1)
    .describe('Ends of runs, or alert: when something is wrong with the pipeline, and when that is over'),
  language: z.enum(['en', 'ru']).optional().describe('The reader’s; the project’s, when left out'),
};
const notificationOf = ({ notifiers }: Kinds): z.ZodType =>
  z.union(notifiers.map(({ kind, spec }) => z.strictObject({ [kind]: spec, ...ofNotification })));

const ofTrigger = {
  when: condition.optional().describe('A condition on trigger and now; when it is false, the firing is skipped'),
  with: z
    .record(identifier, z.union([z.string(), z.number(), z.boolean()]))
    .optional()
    .describe('Values of the run: trigger.with.NAME in conditions, a column NAME of the view trigger in SQL'),
  pauseAfter: z.int().min(1).max(100).optional().describe('Failed runs in a row after which the trigger pauses'),
};

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

/** The schema of a pipeline file with these kinds. */
export const pipelineSchema = (kinds: Kinds): z.ZodType<Pipeline> =>
  z
    .strictObject({
      name: slug,
      description: z.string().optional(),
      sources: z
        .record(identifier, union(kinds.sources))
        .refine((all) => Object.keys(all).length > 0, 'must name at least one source')
        .refine(
          (all) =>
            !['total', 'quality', 'branch', 'steps', 'run', 'now', 'trigger'].some((name) => Object.hasOwn(all, name)),
          'total, quality, branch, steps, run, now and trigger are names that conditions use; call the source something else',
        ),
      checks: z.array(check).default([]),
      branches: z.array(branch).min(1),
      steps: z.record(slug, stepOf(kinds)),
      concurrency: z
        .enum(['queue', 'skip', 'replace', 'parallel'])
        .default('queue')
        .describe(
          'When an earlier run of this pipeline is in progress: queue behind it, skip, replace it, or run in parallel',
        ),
      parallelism: z.int().min(1).max(100).default(4).describe('Steps of a run at the same time'),
      triggers: z
        .record(slug, z.union(kinds.triggers.map(({ spec }) => spec.safeExtend(ofTrigger))))
        .optional()
        .describe('What starts runs while `sluice serve` is running, by names of your own'),
      promises: promises.optional().describe('What the readers of the results may rely on'),
      report: report.optional(),
      notify: z.array(notificationOf(kinds)).default([]),
    })
    .describe('A Sluice pipeline: sources, checks, branches, steps, report and mails') as never;
