import { z } from 'zod';

/** `NAME.test.yaml`: unit tests of a pipeline. */
const number = z
  .number()
  .refine(
    (n) => !Number.isInteger(n) || Number.isSafeInteger(n),
    'has more than 15 digits; write it as text, in quotes',
  );
const scalar = z.union([z.string(), number, z.boolean(), z.null()]);
const row = z.record(z.string(), scalar);
const rows = z.array(row);

const expected = z.strictObject({
  branch: z.string().nullable().optional().describe('The chosen branch; null for none'),
  checks: z
    .record(z.string(), z.enum(['passed', 'fail', 'quarantine', 'warn']))
    .optional()
    .describe('Outcomes by the names of checks'),
  invalid: z.record(z.string(), z.int().min(0)).optional().describe('Quarantined rows by source'),
  views: z
    .record(z.string(), rows)
    .optional()
    .describe('Rows of views, in any order. Only the columns that are named are compared'),
  error: z.string().optional().describe('A part of the error with which the SQL fails'),
});

const one = z.strictObject({
  name: z.string().min(1),
  now: z.iso.datetime().optional().describe('The time of the run; now, when left out'),
  given: z.record(z.string(), rows).default({}).describe('Rows by source; a source that is left out is empty'),
  expect: expected,
});

export const testFile = z.strictObject({
  schemas: z
    .record(z.string(), z.record(z.string(), z.string()))
    .default({})
    .describe('Columns with Spark’s types, of sources whose columns the pipeline does not declare'),
  given: z.record(z.string(), rows).default({}).describe('Rows of every test that does not give its own'),
  tests: z
    .array(one)
    .min(1)
    .refine((all) => new Set(all.map(({ name }) => name)).size === all.length, 'two tests have the same name'),
});
export type TestFile = z.output<typeof testFile>;
export type PipelineTest = z.output<typeof one>;
export type Row = z.output<typeof row>;

/** What one test found. `differences` is empty when it passed; each is one line, or a small table. */
export interface TestOutcome {
  readonly name: string;
  readonly seconds: number;
  readonly differences: readonly string[];
  /** The rows of the expected views as they are, for `--update`. */
  readonly actual: Readonly<Record<string, readonly Row[]>>;
}
