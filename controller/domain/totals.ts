import type { RunEvent } from './events.ts';
import type { PhaseTime } from './phases.ts';

/** What is counted for each pipeline, and what each count is told apart by. */
export const counted = {
  runs_ended: ['state'],
  runs_taken_over: [],
  branches_chosen: ['branch'],
  attempts_ended: ['step', 'state', 'kind'],
  retries: ['step'],
  fallbacks: ['step'],
  rows_invalid: ['source'],
  firings: ['trigger', 'outcome'],
  /** Runs by the shortest of `runSeconds` that they did not exceed, and how long they took together. */
  run_buckets: ['state', 'seconds'],
  run_ms: ['state'],
  /** Phases of runs, likewise, by the shortest of `phaseSeconds`. */
  phase_buckets: ['phase', 'seconds'],
  phase_ms: ['phase'],
  messages: ['channel', 'state'],
} as const satisfies Readonly<Record<string, readonly string[]>>;
export type Counted = keyof typeof counted;

/** The limits by which durations of runs are counted. Seconds. */
export const runSeconds = [1, 5, 15, 30, 60, 120, 300, 600, 1800, 3600, 14_400, Number.POSITIVE_INFINITY] as const;

/** The limits by which durations of phases are counted. Seconds. */
export const phaseSeconds = [0.1, 0.5, 1, 5, 15, 60, 300, 1800, 14_400, Number.POSITIVE_INFINITY] as const;

/** A number to add. */
export interface Count {
  readonly name: Counted;
  /** A value for each label of `counted`, in their order. */
  readonly labels: readonly string[];
  readonly n: number;
}

/** A count of a pipeline since the store has counted it. It never decreases, also when runs are removed. */
export interface Total extends Count {
  readonly pipeline: string;
}

const one = (name: Counted, ...labels: readonly string[]): Count[] => [{ name, labels, n: 1 }];

function ofEvent(event: RunEvent, tookMs: number): readonly Count[] {
  switch (event.type) {
    case 'run-ended':
      return [
        ...one('runs_ended', event.state),
        ...one('run_buckets', event.state, String(runSeconds.find((limit) => tookMs <= limit * 1000))),
        { name: 'run_ms', labels: [event.state], n: Math.max(0, Math.round(tookMs)) },
      ];
    case 'taken-over':
      return one('runs_taken_over');
    case 'planned':
      return one('branches_chosen', event.plan.choice?.branch ?? '');
    case 'attempt-ended':
      return one('attempts_ended', event.step, event.state, event.failure?.kind ?? '');
    case 'retry-scheduled':
      return one('retries', event.step);
    case 'fallback-chosen':
      return one('fallbacks', event.step);
    case 'sources-measured':
      // Reused rows were counted with the run that measured them.
      if (event.inputs && event.inputs.gone === undefined) return [];
      return Object.entries(event.profiles).map(([source, { measures }]) => ({
        ...{ name: 'rows_invalid', labels: [source] },
        n: measures.invalid,
      }));
    default:
      return [];
  }
}

const ofPhase = ({ phase, ms }: PhaseTime): readonly Count[] => [
  ...one('phase_buckets', phase, String(phaseSeconds.find((limit) => ms <= limit * 1000))),
  { name: 'phase_ms', labels: [phase], n: Math.round(ms) },
];

/**
 * What some events add to the totals of a pipeline, so many milliseconds after the start of their run, and the phases
 * that end with them.
 */
export const countsOfEvents = (
  events: readonly RunEvent[],
  tookMs: number,
  phases: readonly PhaseTime[] = [],
): Count[] => merged([...events.flatMap((event) => ofEvent(event, tookMs)), ...phases.flatMap(ofPhase)]);

/** What was found last of a pipeline; each part replaces the one before. */
export interface Readings {
  readonly sources: Readonly<
    Record<
      string,
      { readonly rows: number; readonly new: number; readonly invalid: number; readonly duplicates: number }
    >
  >;
  /** Whether the expectation of each check was met. */
  readonly checks: Readonly<Record<string, boolean>>;
}

/** What some events of a run say that is new. */
export function readingsOf(events: readonly RunEvent[]): Partial<Readings> {
  const found: { -readonly [part in keyof Readings]?: Readings[part] } = {};
  for (const event of events) {
    if (event.type === 'sources-measured')
      found.sources = Object.fromEntries(
        Object.entries(event.profiles).map(([source, { measures }]) => [
          source,
          { rows: measures.rows, new: measures.new, invalid: measures.invalid, duplicates: measures.duplicates },
        ]),
      );
    if (event.type === 'planned')
      found.checks = Object.fromEntries(event.plan.verdicts.map(({ name, outcome }) => [name, outcome === 'passed']));
  }
  return found;
}

/** What firings that were entered add; those that the ledger had already add nothing. */
export const countsOfFirings = (
  trigger: string,
  firings: readonly { readonly count?: number }[],
  entered: readonly { readonly isNew: boolean; readonly outcome: string }[],
): Count[] =>
  merged(
    entered.flatMap(({ isNew, outcome }, i) =>
      isNew ? [{ name: 'firings', labels: [trigger, outcome], n: firings[i]?.count ?? 1 }] : [],
    ),
  );

/** Each count once, in an order in which all writers take their locks. */
function merged(counts: readonly Count[]): Count[] {
  const sums = new Map<string, Count>();
  for (const count of counts) {
    const key = JSON.stringify([count.name, count.labels]);
    if (count.n > 0) sums.set(key, { ...count, n: count.n + (sums.get(key)?.n ?? 0) });
  }
  return [...sums].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, count]) => count);
}
