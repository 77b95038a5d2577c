import type { Vitals } from '../../domain/ports/vitals.ts';
import { type Counted, counted, phaseSeconds, runSeconds } from '../../domain/totals.ts';
import { type Family, numeral, type Sample } from './exposition.ts';

type Labels = Readonly<Record<string, string>>;

/** What was observed of one thing: by bucket, not cumulated; those above the last one are only in `count`. */
interface Observed {
  readonly labels: Labels;
  readonly buckets: number[];
  sum: number;
  count: number;
}

/** The cumulated samples of a histogram. */
function samplesOf({ labels, buckets, sum, count }: Observed, limits: readonly number[]): Sample[] {
  let below = 0;
  const finite = limits.filter(Number.isFinite).map((limit, i): Sample => {
    below += buckets[i] ?? 0;
    return { suffix: '_bucket', labels: { ...labels, le: numeral(limit) }, value: below };
  });
  return [
    ...finite,
    { suffix: '_bucket', labels: { ...labels, le: '+Inf' }, value: count },
    { suffix: '_sum', labels, value: sum },
    { suffix: '_count', labels, value: count },
  ];
}

/** How long something of this process takes, by labels of which there are few: a histogram. */
export class Durations {
  private readonly all = new Map<string, Observed>();
  private readonly name: string;
  private readonly help: string;
  private readonly limits: readonly number[];

  /** The limits of the buckets are seconds. */
  constructor(name: string, help: string, limits: readonly number[]) {
    this.name = name;
    this.help = help;
    this.limits = limits;
  }

  observe(labels: Labels, seconds: number): void {
    const key = JSON.stringify(labels);
    const of = this.all.get(key) ?? { labels, buckets: this.limits.map(() => 0), sum: 0, count: 0 };
    this.all.set(key, of);
    const at = this.limits.findIndex((limit) => seconds <= limit);
    if (at >= 0) of.buckets[at] = (of.buckets[at] ?? 0) + 1;
    of.sum += seconds;
    of.count += 1;
  }

  family(): Family {
    const samples = [...this.all.values()].flatMap((of) => samplesOf(of, this.limits));
    return { name: this.name, type: 'histogram', help: this.help, samples };
  }
}

interface Kept {
  readonly buckets: Counted;
  readonly ms: Counted;
  readonly limits: readonly number[];
  /** The labels of each histogram, of which the totals add up. */
  readonly labelsOf: (pipeline: string, first: string) => Labels;
}

/** A histogram of durations that the store counts. */
function kept(totals: Vitals['totals'], { buckets: name, ms, limits, labelsOf }: Kept): Sample[] {
  const found = new Map<string, Observed>();
  for (const total of totals) {
    if (total.name !== name && total.name !== ms) continue;
    const [first = '', limit = ''] = total.labels;
    const labels = labelsOf(total.pipeline, first);
    const key = JSON.stringify(labels);
    const of = found.get(key) ?? { labels, buckets: limits.map(() => 0), sum: 0, count: 0 };
    found.set(key, of);
    if (total.name === ms) of.sum += total.n / 1000;
    else {
      const at = limits.indexOf(Number(limit));
      if (at >= 0) of.buckets[at] = (of.buckets[at] ?? 0) + total.n;
      of.count += total.n;
    }
  }
  return [...found.values()].flatMap((of) => samplesOf(of, limits));
}

/** Histograms of the durations of ended runs, by pipeline, and of the phases of all runs. */
export const keptDurations = (totals: Vitals['totals']): Family[] => [
  {
    ...{ name: 'sluice_run_seconds', type: 'histogram' },
    help: 'Durations of ended runs, from their start, in seconds.',
    samples: kept(totals, {
      ...{ buckets: 'run_buckets', ms: 'run_ms', limits: runSeconds },
      labelsOf: (pipeline, state) => ({ pipeline, [counted.run_ms[0]]: state }),
    }),
  },
  {
    ...{ name: 'sluice_run_phase_seconds', type: 'histogram' },
    help: 'Durations of the phases of runs, in seconds.',
    samples: kept(totals, {
      ...{ buckets: 'phase_buckets', ms: 'phase_ms', limits: phaseSeconds },
      labelsOf: (_, phase) => ({ [counted.phase_ms[0]]: phase }),
    }),
  },
];
