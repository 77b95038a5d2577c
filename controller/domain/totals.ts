import type { RunEvent } from './events.ts';

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
} as const satisfies Readonly<Record<string, readonly string[]>>;
export type Counted = keyof typeof counted;

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

function ofEvent(event: RunEvent): readonly Count[] {
  switch (event.type) {
    case 'run-ended':
      return one('runs_ended', event.state);
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
      return Object.entries(event.profiles).map(([source, { measures }]) => ({
        ...{ name: 'rows_invalid', labels: [source] },
        n: measures.invalid,
      }));
    default:
      return [];
  }
}

/** What some events of a run add to the totals of its pipeline. */
export const countsOfEvents = (events: readonly RunEvent[]): Count[] => merged(events.flatMap(ofEvent));

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
