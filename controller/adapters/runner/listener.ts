import type { Project } from '../../config/project.ts';
import { lineageIdOf } from '../../telemetry/ids.ts';

type Conf = Readonly<Record<string, string>>;
/** What the listener is told of its application. */
interface Place {
  readonly pipeline: string;
  readonly run: string;
  readonly step: string;
}

const listener = 'io.openlineage.spark.agent.OpenLineageSparkListener';

/**
 * The Spark properties of an attempt, with those of OpenLineage's listener when conf/ asks for it: its events belong to
 * the step, whose lineage Sluice tells itself.
 */
export function withListener(
  conf: Conf,
  { name: project, connections }: Pick<Project, 'name' | 'connections'>,
  { pipeline, run, step }: Place,
): Record<string, string> {
  const { lineage } = connections.spark;
  if (!lineage) return { ...conf };
  const also = (name: string, value: string): Record<string, string> => ({
    [name]: [conf[name] ?? [], value].flat().join(','),
  });
  const openLineage = {
    'transport.type': 'http',
    'transport.url': lineage.url,
    namespace: project,
    // The name of an application is the key of its attempt, and a job is more than one attempt.
    appName: `${pipeline}.${step}`,
    parentJobNamespace: project,
    parentJobName: `${pipeline}.${step}`,
    parentRunId: lineageIdOf(project, run, step),
    rootParentJobNamespace: project,
    rootParentJobName: pipeline,
    rootParentRunId: lineageIdOf(project, run),
  };
  return {
    ...conf,
    ...also('spark.jars', lineage.jar),
    ...also('spark.extraListeners', listener),
    ...Object.fromEntries(Object.entries(openLineage).map(([name, value]) => [`spark.openlineage.${name}`, value])),
  };
}
