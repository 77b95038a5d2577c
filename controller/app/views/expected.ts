import type { Pipeline } from '../../domain/pipeline.ts';
import type { Profiles } from '../../domain/plan.ts';
import type { EventStore, RunIndex } from '../../domain/ports/store.ts';
import { fold } from '../../domain/state.ts';
import { type ExpectedStep, expectedOf, pastAttempts } from '../../planning/expected.ts';
import { loadOf } from '../../planning/plan.ts';

/** As many runs are looked at. */
const most = 20;

/** What the Spark steps of a pipeline are expected to take over these sources, from its last runs. */
export async function expectedSteps(
  store: Pick<RunIndex, 'list'> & Pick<EventStore, 'history'>,
  pipeline: Pipeline,
  profiles: Profiles,
): Promise<Record<string, ExpectedStep>> {
  const runs = await store.list({ pipeline: pipeline.name, limit: most });
  const histories = await Promise.all(runs.map(({ run }) => store.history(run)));
  const past = histories.flatMap((history) => pastAttempts(fold(history)));
  return Object.fromEntries(
    Object.entries(pipeline.steps).flatMap(([name, { spark }]) =>
      spark ? [[name, expectedOf(past, name, loadOf(pipeline, profiles, spark).rows)]] : [],
    ),
  );
}
