import { z } from 'zod';
import { outcomes } from '../../domain/ports/triggers.ts';
import { list, time } from './documents.ts';

/** A row of the ledger in JSON. */
export const firingSchema = z
  .object({
    number: z.int().describe('Grows from row to row'),
    pipeline: z.string(),
    trigger: z.string(),
    generation: z.int().describe('Grows with every reset of the trigger'),
    key: z.string().describe('What makes two reports of the same reason one'),
    due: time.nullable(),
    until: time.nullable().describe('When the last one was due, of a row that stands for several'),
    count: z.int(),
    outcome: z.enum(outcomes),
    reason: z.string().nullable(),
    run: z.string().nullable(),
    noted: time.nullable().describe('When it was entered into the ledger'),
  })
  .meta({ id: 'Firing' });
export type FiringDocument = z.output<typeof firingSchema>;

/** An entry of `sluice triggers --json`. */
export const triggerSchema = z
  .object({
    pipeline: z.string(),
    trigger: z.string(),
    kind: z.string().nullable().describe('null when no served file has it any more'),
    says: z.string().nullable().describe('The trigger in words'),
    state: z.enum(['active', 'paused', 'held', 'failing', 'gone']),
    problem: z.string().nullable(),
    paused: z
      .object({ by: z.string(), reason: z.string().nullable(), since: time.nullable(), until: time.nullable() })
      .nullable(),
    next: time.nullable().describe('When it is due next, for one that fires by the clock'),
    owed: z.int().describe('Instants that are due and not in the ledger yet'),
    owedSince: time.nullable().describe('When the first of them had to start'),
    waiting: z.int().describe('Its runs that have not begun to measure'),
    generation: z.int(),
    last: firingSchema.nullable(),
  })
  .meta({ id: 'Trigger' });
export type TriggerDocument = z.output<typeof triggerSchema>;

/** An instant or a firing of `sluice triggers show --json`; the newest and future ones first. */
export const momentSchema = z
  .object({
    key: z.string(),
    due: time.nullable(),
    outcome: z.enum([...outcomes, 'to-come', 'owed', 'paused']),
    reason: z.string().nullable(),
    run: z.string().nullable(),
    count: z.int(),
  })
  .meta({ id: 'Moment' });

export const triggerDetailSchema = triggerSchema
  .extend({ remarks: list(z.string()), moments: list(momentSchema) })
  .meta({ id: 'TriggerDetail' });
export type TriggerDetail = z.output<typeof triggerDetailSchema>;

/** The answer of GET /calendar. */
export const calendarSchema = z
  .object({
    items: list(momentSchema.extend({ pipeline: z.string(), trigger: z.string() })),
    isComplete: z.boolean().describe('false: there is more in this time than is listed'),
  })
  .meta({ id: 'Calendar' });
export type CalendarDocument = z.output<typeof calendarSchema>;

/** `sluice why --json` */
export const explanationSchema = z
  .object({
    pipeline: z.string(),
    trigger: z.string(),
    asked: z.string(),
    due: time.nullable(),
    answer: z.string().describe('One sentence'),
    firing: firingSchema.nullable(),
    run: z
      .object({ run: z.string(), state: z.string(), reason: z.string().nullable() })
      .nullable()
      .describe('The run that it started or joined'),
  })
  .meta({ id: 'Explanation' });
export type Explanation = z.output<typeof explanationSchema>;

/** `sluice fire --json` */
export const firedSchema = z
  .object({
    pipeline: z.string(),
    trigger: z.string(),
    dryRun: z.boolean(),
    items: list(
      z.object({
        key: z.string(),
        due: time.nullable(),
        action: z.enum(['start', 'leave']),
        reason: z.string(),
        outcome: z.enum(outcomes).nullable(),
        run: z.string().nullable(),
      }),
    ),
  })
  .meta({ id: 'Fired' });
export type Fired = z.output<typeof firedSchema>;
