import type { Recorded, RunEvent } from './events.ts';

/** The parts of a run whose durations are counted. */
export const runPhases = ['queue', 'measure', 'plan', 'submit', 'spark', 'publish', 'report'] as const;
export type RunPhase = (typeof runPhases)[number];

/** How long a phase took. */
export interface PhaseTime {
  readonly phase: RunPhase;
  readonly ms: number;
}

/** When phases began that have not ended, by the step that they are of. Milliseconds since 1970. */
export type OpenPhases = ReadonlyMap<string, number>;

interface Change {
  /** Phases that begin, and that end: a phase of the run, or of a step. Those that had not begun do not count. */
  readonly begins?: readonly RunPhase[];
  readonly ends?: readonly RunPhase[];
  readonly step?: string;
}

function changeBy(event: RunEvent): Change {
  switch (event.type) {
    case 'run-started':
      return { begins: ['queue'] };
    case 'measuring':
      return { begins: ['measure'], ends: ['queue'] };
    case 'sources-measured':
      return { begins: ['plan'], ends: ['measure'] };
    case 'planned':
      return { ends: ['plan'] };
    case 'inputs-lost':
      return { begins: ['measure'] };
    case 'attempt-intended':
      return { begins: ['submit'], step: event.step };
    case 'attempt-submitted':
      return { begins: ['spark'], ends: ['submit'], step: event.step };
    case 'attempt-ended':
      return { ends: ['spark'], step: event.step, ...(event.state === 'succeeded' && { begins: ['publish'] }) };
    case 'outputs-published':
      return { ends: ['publish'], step: event.step };
    case 'step-ended':
      // The report is written after the last step.
      return { begins: ['report'] };
    case 'report-written':
    case 'report-failed':
      return { ends: ['report'] };
    default:
      return {};
  }
}

const keyOf = (phase: RunPhase, step = ''): string => JSON.stringify([phase, step]);

/** The phases that end with an event, and those that are open after it. Pure. */
export function phasesAfter(
  open: OpenPhases,
  { at, event }: Pick<Recorded, 'at' | 'event'>,
): { readonly open: OpenPhases; readonly ended: readonly PhaseTime[] } {
  const { begins = [], ends = [], step } = changeBy(event);
  if (begins.length === 0 && ends.length === 0) return { open, ended: [] };
  const after = new Map(open);
  const ended = ends.flatMap((phase): PhaseTime[] => {
    const since = after.get(keyOf(phase, step));
    after.delete(keyOf(phase, step));
    return since === undefined ? [] : [{ phase, ms: Math.max(0, at - since) }];
  });
  for (const phase of begins) after.set(keyOf(phase, step), at);
  return { open: after, ended };
}
