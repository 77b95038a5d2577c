import { channelOf } from '../../controller/domain/ports/notifier.ts';
import type { RunSummary } from '../../controller/domain/ports/store.ts';
import type { Vitals } from '../../controller/domain/ports/vitals.ts';
import type { Count, Readings, Total } from '../../controller/domain/totals.ts';
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

/** What was found last of pipelines in memory, a part of the fake store, of all its projects. */
export function memoryReadings() {
  const readings = new Map<string, Readings>();
  return {
    set(project: string, pipeline: string, found: Partial<Readings>): void {
      if (!found.sources && !found.checks) return;
      const key = JSON.stringify([project, pipeline]);
      readings.set(key, structuredClone({ sources: {}, checks: {}, ...readings.get(key), ...found }));
    },
    of: (project: string): Vitals['readings'] =>
      [...readings]
        .map(([key, each]) => ({ key: JSON.parse(key) as string[], each }))
        .filter(({ key: [its] }) => its === project)
        .map(({ key: [, pipeline = ''], each }) => ({ pipeline, ...structuredClone(each) }))
        .sort((a, b) => (a.pipeline < b.pipeline ? -1 : 1)),
  };
}

/** The numbers of a project from the summaries of its runs. */
export function vitalsOf(
  runs: readonly RunSummary[],
  posted: readonly Posted[],
  more: Pick<Vitals, 'now' | 'totals' | 'applications' | 'readings'>,
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
  const waiting = posted.filter(({ state }) => state === 'waiting');
  const channels = [...new Set(waiting.map(({ message }) => channelOf(message)))].sort();
  return {
    ...more,
    open: [...open].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, each]) => each),
    ended: lastOf(() => true).map(({ pipeline, run, state, ended }) => ({ pipeline, run, state, at: ended as number })),
    published: lastOf((state) => state === 'succeeded' || state === 'degraded').map(
      ({ pipeline, ended, quality, rows }) => ({ pipeline, at: ended as number, quality, rows }),
    ),
    outbox: channels.map((channel) => {
      const own = waiting.filter(({ message }) => channelOf(message) === channel);
      return { channel, messages: own.length, oldest: Math.min(...own.map(({ entered }) => entered)) };
    }),
  };
}
