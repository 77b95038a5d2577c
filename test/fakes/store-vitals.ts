import { channelOf } from '../../controller/domain/ports/notifier.ts';
import type { RunSummary } from '../../controller/domain/ports/store.ts';
import type { Vitals } from '../../controller/domain/ports/vitals.ts';
import type { Count, Total } from '../../controller/domain/totals.ts';
import type { Posted } from './store-lists.ts';

type Key = Pick<Total, 'pipeline' | 'name' | 'labels'>;

/** Totals in memory, a part of the fake store, of all its projects. */
export function memoryTotals() {
  const totals = new Map<string, number>();
  return {
    add(project: string, pipeline: string, counts: readonly Count[]): void {
      for (const { name, labels, n } of counts) {
        const key = JSON.stringify([project, { pipeline, name, labels }]);
        totals.set(key, (totals.get(key) ?? 0) + n);
      }
    },
    of: (project: string): Total[] =>
      [...totals]
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .flatMap(([key, n]) => {
          const [its, of] = JSON.parse(key) as [string, Key];
          return its === project ? [{ ...of, n }] : [];
        }),
  };
}

/** The numbers of a project from the summaries of its runs. */
export function vitalsOf(
  runs: readonly RunSummary[],
  posted: readonly Posted[],
  more: Pick<Vitals, 'now' | 'totals' | 'applications'>,
): Vitals {
  const lastOf = (is: (state: string) => boolean) => {
    const last = new Map<string, RunSummary>();
    for (const run of [...runs].sort((a, b) => a.number - b.number))
      if (run.ended !== undefined && is(run.state)) last.set(run.pipeline, run);
    return [...last.values()].sort((a, b) => (a.pipeline < b.pipeline ? -1 : 1));
  };
  const open = new Map<string, Vitals['open'][number]>();
  for (const { pipeline, state, ended, started } of runs) {
    if (ended !== undefined) continue;
    const key = JSON.stringify([pipeline, state]);
    const { runs: n = 0, oldest = started } = open.get(key) ?? {};
    open.set(key, { pipeline, state, runs: n + 1, oldest: Math.min(oldest, started) });
  }
  const waiting = posted.filter(({ state }) => state === 'waiting').map(({ message }) => channelOf(message));
  const channels = [...new Set(waiting)].sort();
  return {
    ...more,
    open: [...open].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, each]) => each),
    ended: lastOf(() => true).map(({ pipeline, state, ended }) => ({ pipeline, state, at: ended as number })),
    published: lastOf((state) => state === 'succeeded' || state === 'degraded').map(
      ({ pipeline, ended, quality, rows }) => ({ pipeline, at: ended as number, quality, rows }),
    ),
    outbox: channels.map((channel) => ({ channel, messages: waiting.filter((each) => each === channel).length })),
  };
}
