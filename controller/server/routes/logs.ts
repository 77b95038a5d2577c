import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { logSchema } from '../../app/views/documents.ts';
import { grown } from '../../app/views/log.ts';
import type { RunState } from '../../domain/state.ts';
import type { AttemptState } from '../../domain/step-state.ts';
import { Problem } from '../http/problem.ts';
import { type AnyRoute, route } from '../http/route.ts';
import type { Sent } from '../streams/sse.ts';
import * as examples from './examples.ts';
import { type Asking, partName, readRun, runName } from './shared.ts';

/** The most that an answer has of a log. Characters. */
const longestLog = 1 << 20;
/** The interval in which a followed log is read. Milliseconds. */
const pollMs = 1000;

function attemptOf(state: RunState, step: string, number: number): AttemptState {
  const found = Object.hasOwn(state.steps, step)
    ? state.steps[step]?.attempts.find((attempt) => attempt.number === number)
    : undefined;
  if (found) return found;
  throw new Problem(404, `run ${state.run} has no attempt ${number} of a step ${step}`);
}

/** The last lines of an attempt's log. */
async function linesOf({ api }: Asking, attempt: AttemptState): Promise<readonly string[]> {
  const lines = await api.logLines(attempt);
  let length = 0;
  const from = lines.findLastIndex((line) => {
    length += line.length + 1;
    return length > longestLog;
  });
  return from < 0 ? lines : lines.slice(from + 1);
}

async function* follow(
  asking: Asking,
  run: string,
  step: string,
  number: number,
  signal: AbortSignal,
): AsyncGenerator<Sent> {
  let before: readonly string[] = [];
  for (;;) {
    // The end is read first: what is logged before it is then in the log.
    const { state } = await readRun(asking, run);
    const attempt = attemptOf(state, step, number);
    const now = await linesOf(asking, attempt);
    const fresh = grown(before, now);
    before = now;
    if (fresh.length > 0) yield { event: 'lines', data: fresh };
    if (attempt.ended || state.ended) return yield { event: 'end', data: { run, state: attempt.status } };
    if (asking.api.hub.stopped.aborted) return yield { event: 'closing', data: { reason: 'the server stops' } };
    await sleep(pollMs, undefined, { signal }).catch(() => undefined);
    if (signal.aborted) return;
  }
}

const getLog = route({
  name: 'getLog',
  method: 'GET',
  path: '/runs/{run}/steps/{step}/attempts/{attempt}/log',
  scope: 'read',
  summary: 'The end of the log of an attempt’s driver, without secrets of the project; or a stream of it',
  params: z.strictObject({ run: runName, step: partName, attempt: z.coerce.number().int().min(1) }),
  headers: { Accept: 'text/event-stream for a stream' },
  response: logSchema,
  also: { 'text/event-stream': '`lines` with new lines, and `end` with the state of the attempt' },
  errors: [404],
  example: {
    params: { run: examples.run, step: 'marts', attempt: 1 },
    answer: { run: examples.run, step: 'marts', attempt: 1, lines: ['INFO SparkContext: Running Spark version 3.5.7'] },
  },
  async handler(asked) {
    const { step, attempt: number } = asked.params;
    const { run, state } = await readRun(asked, asked.params.run);
    const attempt = attemptOf(state, step, number);
    if (asked.stream) return asked.stream((signal) => follow(asked, run, step, number, signal));
    return { body: { run, step, attempt: number, lines: await linesOf(asked, attempt) } };
  },
});

/** The logs of attempts. */
export const logRoutes: readonly AnyRoute[] = [getLog];
export const logCalls = { getLog };
