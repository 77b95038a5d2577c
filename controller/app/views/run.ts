import type { LifeState } from '../../domain/lifecycle.ts';
import { outputsOf } from '../../domain/outcome.ts';
import type { Outbox } from '../../domain/ports/outbox.ts';
import type { RunSummary } from '../../domain/ports/store.ts';
import { multipliedJoins } from '../../domain/result.ts';
import { emptyState, type RunState } from '../../domain/state.ts';
import { iso } from '../../lib/text.ts';
import type { RunDocument } from './documents.ts';

/** Spark's counts of a source that was only estimated. */
function countsOf({ steps, profiles }: RunState, source: string) {
  if (profiles?.[source]?.measures.estimatedFrom === undefined) return undefined;
  const attempts = Object.values(steps).flatMap((step) => step.attempts);
  const read = attempts.flatMap(({ result }) => result?.inputs ?? []).find(({ name }) => name === source);
  return read && { rows: read.read, valid: read.valid, quarantined: read.quarantined, reasons: read.reasons };
}

/** The run that this one repeats. Whether it reads the same rows is null until that is known. */
function retriesOf({ retries, inputs }: RunState): RunDocument['retries'] {
  if (!retries) return null;
  const { run, fromStep = null, fresh } = retries;
  const reused = inputs ? inputs.gone === undefined : fresh ? false : null;
  return { run, fromStep, reused, measuredAgain: inputs?.gone ?? null };
}

/** The document of `sluice show RUN --json`; its names are a contract. */
export async function runDocument(
  store: Pick<Outbox, 'messages'>,
  summary: RunSummary,
  state: RunState = emptyState(),
): Promise<RunDocument> {
  const { plan, profiles } = state;
  return {
    run: summary.run,
    pipeline: summary.pipeline,
    state: summary.state as LifeState,
    branch: plan?.choice.branch ?? null,
    reason: state.ended?.reason ?? plan?.reason ?? null,
    started: iso(summary.started),
    ended: iso(summary.ended),
    cause: state.cause ?? null,
    retries: retriesOf(state),
    quality: plan?.quality ?? null,
    checks: plan?.verdicts ?? [],
    sources: Object.fromEntries(
      Object.entries(profiles ?? {}).map(([name, { measures, pin }]) => {
        const { rows, valid, invalid: quarantined, invalidByReason: reasons, duplicates, estimatedFrom } = measures;
        const exact = countsOf(state, name);
        const counts = exact ?? { rows, valid, quarantined, reasons };
        const estimated = estimatedFrom !== undefined && !exact;
        return [name, { ...counts, estimated, duplicates, new: measures.new, pinned: pin }];
      }),
    ),
    steps: Object.values(state.steps).map((step) => ({
      name: step.name,
      state: step.ended?.state ?? (step.attempts.length > 0 ? 'running' : 'pending'),
      reason: step.ended?.reason ?? null,
      shadow: step.shadow
        ? { rows: step.shadow.rows, difference: step.shadow.difference ?? null, skipped: step.shadow.skipped ?? null }
        : null,
      attempts: step.attempts.map((attempt) => ({
        attempt: attempt.number,
        key: attempt.key,
        submission: attempt.submission?.id ?? null,
        application: attempt.applicationId ?? null,
        ui: attempt.ui ?? null,
        state: attempt.status,
        failure: attempt.failure?.kind ?? null,
        message: attempt.failure?.message ?? null,
        started: iso(attempt.startedAt),
        ended: iso(attempt.ended?.at),
        engine: attempt.settings ? (attempt.settings.engine ?? 'spark') : null,
        settings: attempt.settings ?? null,
        answer: attempt.answer ?? null,
        read: attempt.result?.inputs ?? [],
        joins: multipliedJoins(attempt.result),
        seconds: attempt.result?.seconds ?? {},
      })),
    })),
    outputs: outputsOf(state),
    report: state.report ?? null,
    messages: await store.messages(summary.run),
  };
}
