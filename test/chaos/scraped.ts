import { pause } from '../integration/world.ts';

/** A counter, as histories and the ledger have it. */
export interface Counter {
  readonly pipeline: string;
  readonly name: string;
  readonly labels: readonly string[];
  readonly n: number;
}

/** The metric of each count, and its labels beyond the pipeline. */
const metrics: Readonly<Record<string, readonly [name: string, ...labels: string[]]>> = {
  runs_ended: ['sluice_runs_ended_total', 'state'],
  runs_taken_over: ['sluice_runs_taken_over_total'],
  attempts_ended: ['sluice_attempts_ended_total', 'step', 'state', 'kind'],
  firings: ['sluice_trigger_firings_total', 'trigger', 'outcome'],
};

/** The series of a scrape whose metric is one of these and whose pipeline begins so; those that are 0 are left out. */
function seriesOf(text: string, prefix: string): Map<string, number> {
  const known = new Set(Object.values(metrics).map(([metric]) => metric));
  const found = new Map<string, number>();
  for (const [, metric = '', labels = '', value = ''] of text.matchAll(/^(\w+)\{(.*)\} (\S+)$/gm))
    if (known.has(metric) && labels.startsWith(`pipeline="${prefix}`) && value !== '0')
      found.set(`${metric}{${labels}}`, Number(value));
  return found;
}

function expectedOf(counted: readonly Counter[]): Map<string, number> {
  return new Map(
    counted.map(({ pipeline, name, labels, n }) => {
      const [metric = name, ...names] = metrics[name] ?? [];
      const all = [`pipeline="${pipeline}"`, ...names.map((label, i) => `${label}="${labels[i] ?? ''}"`)];
      return [`${metric}{${all.join(',')}}`, n];
    }),
  );
}

/** The series of a server that are not what was counted. */
export async function wrongSeries(
  url: string,
  token: string,
  counted: readonly Counter[],
  prefix: string,
): Promise<string[]> {
  const response = await fetch(`${url}/metrics`, { headers: { authorization: `Bearer ${token}` } });
  const found = seriesOf(await response.text(), prefix);
  const expected = expectedOf(counted);
  return [...new Set([...found.keys(), ...expected.keys()])]
    .filter((series) => found.get(series) !== expected.get(series))
    .map((series) => `${url}: ${series} is ${found.get(series)}, counted ${expected.get(series)}`);
}

/** Resolves when something is so; false when it is not within a minute. */
export async function soon(isSo: () => Promise<boolean>): Promise<boolean> {
  for (const end = Date.now() + 60_000; Date.now() < end; await pause(500)) if (await isSo()) return true;
  return false;
}
