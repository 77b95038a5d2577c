import { z } from 'zod';
import type { Recorded } from '../../domain/events.ts';
import { fold } from '../../domain/state.ts';
import { type LineageEvent, lineageOf } from '../../telemetry/lineage.ts';
import { lineageNames } from '../telemetry.ts';
import type { Adapters } from '../wiring.ts';
import { list } from './documents.ts';

const facets = z.record(z.string(), z.looseObject({ _producer: z.string(), _schemaURL: z.string() }));
const dataset = z.looseObject({ namespace: z.string(), name: z.string(), facets });

/** The document of `sluice lineage`. */
export const lineageSchema = z
  .object({
    run: z.string(),
    events: list(
      z.object({
        eventType: z.enum(['START', 'COMPLETE', 'FAIL', 'ABORT']),
        eventTime: z.iso.datetime(),
        producer: z.string(),
        schemaURL: z.string(),
        run: z.object({ runId: z.uuid(), facets }),
        job: z.object({ namespace: z.string(), name: z.string(), facets }),
        inputs: list(dataset),
        outputs: list(dataset),
      }),
    ).describe('RunEvents of OpenLineage 2-0-2, in the order of their times'),
  })
  .meta({ id: 'Lineage' });

const attributes = list(z.object({ key: z.string(), value: z.looseObject({}) }));
const id = (bytes: number): z.ZodString => z.string().regex(new RegExp(`^[0-9a-f]{${2 * bytes}}$`));
const nanoseconds = z.string().regex(/^\d+$/);

/** The document of `sluice trace`. */
export const traceSchema = z
  .object({
    resourceSpans: list(
      z.object({
        resource: z.object({ attributes }),
        scopeSpans: list(
          z.object({
            scope: z.object({ name: z.string(), version: z.string() }),
            spans: list(
              z.object({
                ...{ traceId: id(16), spanId: id(8), parentSpanId: id(8).optional(), name: z.string(), kind: z.int() },
                ...{ startTimeUnixNano: nanoseconds, endTimeUnixNano: nanoseconds, attributes },
                events: list(z.object({ timeUnixNano: nanoseconds, name: z.string(), attributes })),
                status: z.object({ code: z.int(), message: z.string().optional() }),
              }),
            ),
          }),
        ),
      }),
    ),
  })
  .meta({ id: 'Trace' })
  .describe('A body for /v1/traces of OTLP');

/** The lineage of a run, with the SQL of its steps as the files are now. */
export async function lineageDocument(
  adapters: Adapters,
  history: readonly Recorded[],
): Promise<{ readonly run: string; readonly events: readonly LineageEvent[] }> {
  const state = fold(history);
  const { run = '', pipeline } = state;
  return { run, events: pipeline ? lineageOf(state, await lineageNames(adapters, pipeline)) : [] };
}
