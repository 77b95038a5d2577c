import type { RunStore } from '../../domain/ports/store.ts';
import type { Vitals } from '../../domain/ports/vitals.ts';
import { fold } from '../../domain/state.ts';
import { comparedDocument } from '../views/compared.ts';

/** The most comparisons that an alert quotes. */
const mostQuoted = 3;

/** What is unusual about the last run of a pipeline. */
export interface Unusual {
  readonly pipeline: string;
  readonly run: string;
  readonly reason: string;
}

/** Compares the last run of each pipeline with those before it, once for each run. */
export function unusualRuns(
  store: Pick<RunStore, 'history' | 'lastMeasures'>,
): (ended: Vitals['ended']) => Promise<Unusual[]> {
  const known = new Map<string, Unusual>();
  async function compared(pipeline: string, run: string): Promise<Unusual> {
    const { compared: all } = await comparedDocument(store, fold(await store.history(run)));
    const found = all.filter(({ verdict }) => verdict === 'unusual').map(({ says }) => says);
    const more = found.length > mostQuoted ? [`and ${found.length - mostQuoted} more`] : [];
    return { pipeline, run, reason: [...found.slice(0, mostQuoted), ...more].join('; ') };
  }
  return async (ended) => {
    for (const { pipeline, run } of ended)
      if (known.get(pipeline)?.run !== run) known.set(pipeline, await compared(pipeline, run));
    return ended.flatMap(({ pipeline }) => known.get(pipeline) ?? []).filter(({ reason }) => reason !== '');
  };
}
