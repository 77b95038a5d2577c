import type { Dataset } from '../domain/dataset.ts';
import type { RunEnd } from '../domain/events.ts';
import type { RunState } from '../domain/state.ts';
import type { StepState } from '../domain/step-state.ts';
import { namesIn } from '../pipeline/ast.ts';
import { type FacetMaker, type Facets, facetsBy, producerOf, versionOf } from './facets.ts';
import { lineageIdOf } from './ids.ts';
import type { Teller } from './trace.ts';

interface LineageDataset extends Dataset {
  readonly facets: Facets;
  readonly inputFacets?: Facets;
  readonly outputFacets?: Facets;
}

/** An event of OpenLineage 2-0-2, about a run or one of its steps. */
export interface LineageEvent {
  readonly eventType: 'START' | 'COMPLETE' | 'FAIL' | 'ABORT';
  readonly eventTime: string;
  readonly producer: string;
  readonly schemaURL: string;
  readonly run: { readonly runId: string; readonly facets: Facets };
  readonly job: { readonly namespace: string; readonly name: string; readonly facets: Facets };
  readonly inputs: readonly LineageDataset[];
  readonly outputs: readonly LineageDataset[];
}

/** What the history of a run does not say, but its drivers and files do. */
export interface LineageNames extends Teller {
  /** The dataset of a source of the pipeline. */
  source(name: string): Dataset;
  /** The dataset of a published view. */
  output(step: string, view: string, kind: string): Dataset;
  /** The SQL of a step, and whose it is. */
  sql(step: string): { readonly query: string; readonly dialect: string } | undefined;
}

const schemaUrl = 'https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent';

/** What an event tells, by a name that is the same whenever it is rendered: that a run or a step began, or ended. */
export const keyOfLineage = ({ eventType, run: { runId } }: LineageEvent): string =>
  `${runId} ${eventType === 'START' ? 'begins' : 'ends'}`;

/** The events that a run's state tells and an earlier one did not. A run that is not planned yet tells nothing. */
export function newLineage(before: RunState, after: RunState, names: LineageNames): LineageEvent[] {
  const of = (state: RunState): LineageEvent[] => (state.plan || state.ended ? lineageOf(state, names) : []);
  const known = new Set(of(before).map(keyOfLineage));
  return of(after).filter((event) => !known.has(keyOfLineage(event)));
}

/**
 * The lineage of a run from its state: one START of the run and of each step that was attempted, and one COMPLETE,
 * FAIL or ABORT of what has ended, in the order of their times. The same state always gives the same events. Pure
 * as far as the names are.
 */
export function lineageOf(state: RunState, names: LineageNames): LineageEvent[] {
  if (state.startedAt === undefined) return [];
  const steps = Object.values(state.steps).flatMap((step) => stepEvents(state, step, names));
  return [...runEvents(state, names), ...steps]
    .sort((a, b) => a.at - b.at || order(a) - order(b))
    .map(({ event }) => event);
}

interface Timed {
  readonly at: number;
  readonly event: LineageEvent;
}

/** At the same time, a run begins before its steps and ends after them. */
const order = ({ event }: Timed): number => {
  const isStep = 'parent' in event.run.facets;
  return event.eventType === 'START' ? (isStep ? 1 : 0) : isStep ? 2 : 3;
};

/** What was skipped had nothing to do. */
const ends: Readonly<Record<RunEnd, LineageEvent['eventType']>> = {
  succeeded: 'COMPLETE',
  degraded: 'COMPLETE',
  skipped: 'COMPLETE',
  failed: 'FAIL',
  cancelled: 'ABORT',
};

type Part = Pick<LineageEvent, 'run' | 'job' | 'inputs' | 'outputs'>;
type RunFacets = (facets: Facets) => Pick<LineageEvent, 'run'>;

const eventAt = (at: number, eventType: LineageEvent['eventType'], part: Part, { version }: Teller): Timed => ({
  at,
  event: {
    eventType,
    eventTime: new Date(at).toISOString(),
    producer: producerOf(version),
    schemaURL: schemaUrl,
    ...part,
  },
});

const runIdOf = ({ run = '' }: RunState, { project }: Teller): string => lineageIdOf(project, run);

function runEvents(state: RunState, names: LineageNames): Timed[] {
  const { pipeline, startedAt = 0, ended, cause, plan } = state;
  const facets = facetsBy(names.version);
  const runId = runIdOf(state, names);
  const { description } = pipeline ?? {};
  const job = {
    ...jobOf(state, names),
    facets: {
      jobType: facets.jobType('PIPELINE'),
      ...(description && { documentation: facets.documentation(description) }),
    },
  };
  const always = {
    processing_engine: facets.engine(),
    ...(cause?.due !== undefined && { nominalTime: facets.nominalTime(cause.due) }),
  };
  const run: RunFacets = (more) => ({ run: { runId, facets: { ...always, ...more } } });
  const sources = Object.keys(pipeline?.sources ?? {});
  const inputs = sources.map((name) => named(names.source(name)));
  const started = { run: state.run, trigger: cause?.trigger, cause: cause?.kind };
  const start = eventAt(
    startedAt,
    'START',
    { ...run({ tags: facets.tags(started) }), job, inputs, outputs: [] },
    names,
  );
  if (!ended) return [start];
  const tags = facets.tags({ ...started, state: ended.state, branch: plan?.choice.branch });
  const problem = ended.state === 'failed' && { errorMessage: facets.errorMessage(ended.reason) };
  const measured = sources.map((name) => inputOf(name, state, facets, names));
  const outputs = Object.values(state.steps).flatMap((step) => publishedBy(step, facets, names));
  return [
    start,
    eventAt(ended.at, ends[ended.state], { ...run({ tags, ...problem }), job, inputs: measured, outputs }, names),
  ];
}

function stepEvents(state: RunState, step: StepState, names: LineageNames): Timed[] {
  const definition = state.pipeline?.steps[step.name];
  const [first] = step.attempts;
  const last = step.attempts.at(-1);
  if (!definition || !first || !last) return [];
  const facets = facetsBy(names.version);
  const sql = names.sql(step.name);
  const parent = jobOf(state, names);
  const job = {
    ...{ namespace: parent.namespace, name: `${parent.name}.${step.name}` },
    facets: { jobType: facets.jobType('STEP'), ...(sql && { sql: facets.sql(sql.query, sql.dialect) }) },
  };
  const runId = lineageIdOf(names.project, state.run ?? '', step.name);
  const always = { processing_engine: facets.engine(), parent: facets.parent(runIdOf(state, names), parent) };
  const run: RunFacets = (more) => ({ run: { runId, facets: { ...always, ...more } } });
  const { spark } = definition;
  const read = spark ? (spark.inputs ?? Object.keys(state.pipeline?.sources ?? {})) : [];
  const inputs = read.map((name) => named(names.source(name)));
  const start = eventAt(first.startedAt, 'START', { ...run({}), job, inputs, outputs: [] }, names);
  const end = step.ended ?? (state.ended && { ...state.ended, state: 'cancelled' as const });
  if (!end) return [start];
  const engine = last.settings && (last.settings.engine ?? 'spark');
  const tags = facets.tags({ state: end.state, attempts: String(step.attempts.length), engine });
  const problem = end.state === 'failed' && { errorMessage: facets.errorMessage(last.failure?.message ?? end.reason) };
  const counted = read.map((name) => {
    const rows = last.result?.inputs.find((input) => input.name === name)?.read;
    const { bytes = 0 } = state.profiles?.[name]?.measures ?? {};
    const statistics = rows === undefined ? {} : { inputStatistics: facets.inputStatistics(rows, bytes) };
    return { ...named(names.source(name)), inputFacets: statistics };
  });
  const outputs = publishedBy(step, facets, names);
  return [
    start,
    eventAt(end.at, ends[end.state], { ...run({ tags, ...problem }), job, inputs: counted, outputs }, names),
  ];
}

const jobOf = ({ pipeline }: RunState, { project }: Teller) => ({ namespace: project, name: pipeline?.name ?? '' });

const named = ({ namespace, name }: Dataset): LineageDataset => ({ namespace, name, facets: {} });

/** A source with all that is known of it, which one event of the run has. */
function inputOf(name: string, state: RunState, facets: FacetMaker, names: LineageNames): LineageDataset {
  const { pipeline, profiles } = state;
  const dataset = names.source(name);
  const source = pipeline?.sources[name];
  const pin = profiles?.[name]?.pin;
  return {
    ...named(dataset),
    facets: {
      dataSource: facets.dataSource(dataset.namespace),
      ...(source && { schema: facets.schema(source, pin) }),
      ...(pin && { version: facets.version(versionOf(pin)) }),
    },
    inputFacets: qualityOf(name, state, facets),
  };
}

/** What was measured of a source, and the outcomes of the checks about it. */
function qualityOf(name: string, { pipeline, profiles, plan }: RunState, facets: FacetMaker): Facets {
  const measures = profiles?.[name]?.measures;
  if (!measures) return {};
  const about = (pipeline?.checks ?? []).flatMap((check) => {
    const verdict = plan?.verdicts.find((each) => each.name === check.name);
    const isAbout = check.rows === name || (check.expect !== undefined && namesIn(check.expect).includes(name));
    return verdict && isAbout ? [{ check, verdict }] : [];
  });
  return {
    dataQualityMetrics: facets.quality(measures),
    ...(about.length > 0 && { dataQualityAssertions: facets.assertions(about) }),
  };
}

const publishedBy = (step: StepState, facets: FacetMaker, names: LineageNames): LineageDataset[] =>
  (step.outputs ?? []).map(({ view, kind, rows }) => {
    const { namespace, name } = names.output(step.name, view, kind);
    const key = step.attempts.findLast(({ ended }) => ended?.state === 'succeeded')?.key;
    return {
      ...{ namespace, name },
      facets: { dataSource: facets.dataSource(namespace), ...(key !== undefined && { version: facets.version(key) }) },
      outputFacets: { outputStatistics: facets.outputStatistics(rows) },
    };
  });
