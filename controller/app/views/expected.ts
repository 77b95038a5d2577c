import type { Pipeline } from '../../domain/pipeline.ts';
import type { Profiles } from '../../domain/plan.ts';
import type { EventStore, RunIndex } from '../../domain/ports/store.ts';
import { fold } from '../../domain/state.ts';
import { type ExpectedStep, expectedOf, type PastAttempt, pastAttempts } from '../../planning/expected.ts';
import { loadOf } from '../../planning/plan.ts';

/** As many runs are looked at. */
const most = 20;

/** The attempts of a pipeline's last runs, newest first. */
export async function pastAttemptsOf(
  store: Pick<RunIndex, 'list'> & Pick<EventStore, 'history'>,
  pipeline: string,
): Promise<PastAttempt[]> {
  const runs = await store.list({ pipeline, limit: most });
  const histories = await Promise.all(runs.map(({ run }) => store.history(run)));
  return histories.flatMap((history) => pastAttempts(fold(history)));
}

/** What the Spark steps of a pipeline are expected to take over these sources. Pure. */
export function expectedSteps(
  past: readonly PastAttempt[],
  pipeline: Pipeline,
  profiles: Profiles,
): Record<string, ExpectedStep> {
  return Object.fromEntries(
    Object.entries(pipeline.steps).flatMap(([name, { spark }]) =>
      spark ? [[name, expectedOf(past, name, loadOf(pipeline, profiles, spark).rows)]] : [],
    ),
  );
}
