import { z } from 'zod';
import { runStates } from '../../domain/lifecycle.ts';
import { causeSchema, retriesSchema } from './causes.ts';

/** The schemas of what commands print with `--json` and what the API answers. Their names are a contract. */

export const time = z.iso.datetime().describe('UTC with milliseconds');
/** Of a stored value, which is not changed. */
export const list = <T extends z.ZodType>(of: T) => z.array(of).readonly();
const lifeState = z.enum(runStates);

/** A line of `sluice runs --json`. */
export const runLineSchema = z
  .object({
    run: z.string(),
    number: z.int().describe('Grows from run to run'),
    pipeline: z.string(),
    state: lifeState,
    quality: z.number().nullable().describe('Share of valid rows over all sources, from 0 to 1'),
    rows: z.int().nullable().describe('Published rows of all outputs'),
    coreSeconds: z.int().nullable().describe('What its Spark and embedded attempts took, each times its cores'),
    branch: z.string().nullable(),
    reason: z.string().nullable(),
    started: time.nullable(),
    ended: time.nullable(),
    trigger: z.string().nullable().describe('The trigger that started it'),
  })
  .meta({ id: 'RunLine' });
export type RunLine = z.output<typeof runLineSchema>;

export const comparedSchema = z
  .object({
    measure: z.string(),
    nature: z.enum(['count', 'share', 'seconds']),
    verdict: z.enum(['normal', 'unusual', 'unknown']),
    value: z.number().optional(),
    runs: z.int().describe('How many earlier runs were compared'),
    weekday: z.int().optional().describe('1 (Monday) to 7, when these are the runs of that weekday'),
    hour: z.int().optional().describe('When these are the runs of that hour of the day'),
    median: z.number().optional().describe('Of these runs, at the level of the last ones'),
    low: z.number().optional(),
    high: z.number().optional(),
  })
  .meta({ id: 'Comparison' });

const verdictSchema = z
  .object({
    name: z.string(),
    outcome: z.enum(['passed', 'fail', 'quarantine', 'warn']),
    expect: z.string(),
    because: z.string(),
    compared: list(comparedSchema).optional().describe('What normal() compared with earlier runs'),
  })
  .meta({ id: 'Check' });

export const outputSchema = z
  .object({ view: z.string(), kind: z.string(), where: z.string(), rows: z.int() })
  .meta({ id: 'Output' });

export const messageSchema = z
  .object({
    channel: z.string(),
    event: z.string(),
    to: z.string(),
    state: z.enum(['waiting', 'sent', 'refused']),
    note: z.string().optional(),
  })
  .meta({ id: 'Message' });

const settingsSchema = z
  .object({
    engine: z.literal('embedded').optional(),
    executors: z.int(),
    executorCores: z.int(),
    executorMemory: z.string(),
    driverMemory: z.string(),
    partitions: z.int(),
    profile: z.enum(['quick', 'steady']),
    conf: z.record(z.string(), z.string()),
  })
  .meta({ id: 'SparkSettings' });

const counts = z.record(z.string(), z.number());
const sourceSchema = z
  .object({
    rows: z.int(),
    valid: z.int(),
    quarantined: z.int(),
    reasons: counts,
    estimated: z.boolean(),
    duplicates: z.int(),
    new: z.int(),
    pinned: z.looseObject({ kind: z.string() }),
  })
  .meta({ id: 'Source' });

const attemptSchema = z
  .object({
    attempt: z.int(),
    key: z.string(),
    submission: z.string().nullable(),
    application: z.string().nullable(),
    ui: z.string().nullable(),
    state: lifeState,
    failure: z.string().nullable(),
    message: z.string().nullable(),
    started: time.nullable(),
    ended: time.nullable(),
    engine: z.enum(['spark', 'embedded']).nullable(),
    settings: settingsSchema.nullable(),
    answer: z.object({ status: z.int().optional(), body: z.unknown() }).nullable(),
    read: list(z.object({ name: z.string(), read: z.int(), valid: z.int(), quarantined: z.int(), reasons: counts })),
    joins: list(
      z.object({ view: z.string(), on: z.string().nullable(), left: z.int(), right: z.int(), rows: z.int() }),
    ),
    seconds: counts,
  })
  .meta({ id: 'Attempt' });

const stepSchema = z
  .object({
    name: z.string(),
    state: z.enum(['pending', 'running', 'succeeded', 'degraded', 'failed', 'skipped', 'cancelled']),
    reason: z.string().nullable(),
    shadow: z.object({ rows: z.int(), difference: z.string().nullable(), skipped: z.string().nullable() }).nullable(),
    attempts: list(attemptSchema),
  })
  .meta({ id: 'Step' });

/** The document of `sluice show RUN --json`, without its timeline. */
export const runDocumentSchema = z
  .object({
    run: z.string(),
    pipeline: z.string(),
    state: lifeState,
    branch: z.string().nullable(),
    reason: z.string().nullable(),
    started: time.nullable(),
    ended: time.nullable(),
    cause: causeSchema.nullable(),
    retries: retriesSchema.nullable(),
    quality: z.number().nullable(),
    checks: list(verdictSchema),
    sources: z.record(z.string(), sourceSchema),
    steps: list(stepSchema),
    outputs: list(outputSchema),
    report: z
      .object({
        file: z.string().optional(),
        url: z.string().optional(),
        figures: list(z.object({ name: z.string(), value: z.string() })).optional(),
        problem: z.string().optional(),
      })
      .nullable(),
    messages: list(messageSchema),
  })
  .meta({ id: 'RunDocument' });
export type RunDocument = z.output<typeof runDocumentSchema>;

export const phaseSchema = z
  .object({
    what: z.string(),
    from: time.nullable(),
    ms: z.number().nullable().describe('null while it lasts'),
    outcome: z.string(),
    parts: counts.describe('Milliseconds by part'),
  })
  .meta({ id: 'Phase' });
export type PhaseDocument = z.output<typeof phaseSchema>;

/** The document of `sluice diff --json`. */
export const diffSchema = z
  .object({
    a: z.string(),
    b: z.string(),
    differences: list(
      z.object({
        what: z.string(),
        a: z.union([z.string(), z.number()]).nullable(),
        b: z.union([z.string(), z.number()]).nullable(),
      }),
    ),
  })
  .meta({ id: 'Differences' });

/** The document of `sluice logs --json`. */
export const logSchema = z
  .object({ run: z.string(), step: z.string(), attempt: z.int(), lines: list(z.string()) })
  .meta({ id: 'Log' });

/** A line of `sluice status --json`. */
export const serviceSchema = z
  .object({
    name: z.string(),
    state: z.string(),
    url: z.string(),
    pid: z.int().nullable(),
  })
  .meta({ id: 'Service' });

const namedChoice = z.object({ branch: z.string(), reason: z.string() });
/** The plan of a run. */
export const planSchema = z
  .looseObject({
    verdicts: list(verdictSchema),
    quality: z.number(),
    choice: z.object({ branch: z.string().optional(), reason: z.string(), rejected: list(namedChoice) }),
    steps: z.record(
      z.string(),
      z.looseObject({
        role: z.enum(['run', 'skip', 'fallback', 'later']),
        reason: z.string(),
        settings: settingsSchema.optional(),
        why: z.record(z.string(), z.string()).optional(),
      }),
    ),
    cluster: z.looseObject({ cores: z.int(), largestMb: z.number() }),
    verdict: z.enum(['go', 'skip', 'fail']),
    reason: z.string(),
  })
  .meta({ id: 'Plan' });

/** The document of `sluice plan --json`. */
export const planDocumentSchema = planSchema
  .extend({
    file: z.string(),
    pipeline: z.string(),
    sources: z.record(z.string(), z.looseObject({ measures: z.looseObject({ rows: z.int() }) })),
    findings: z.record(z.string(), z.looseObject({ source: z.string(), rows: z.int(), of: z.int() })),
    expected: z.record(z.string(), z.looseObject({})),
    last: z.looseObject({ run: z.string(), state: z.string().nullable(), plan: planSchema }).nullable(),
  })
  .meta({ id: 'PlanDocument' });

/** An event of a run's history, as it is stored. Its fields belong to its type. */
export const recordedSchema = z
  .object({ seq: z.int(), at: time, event: z.looseObject({ type: z.string() }) })
  .meta({ id: 'Event' });
