import type { Family, Sample } from './exposition.ts';

/** The upper bounds of the buckets. Seconds. */
const bounds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

interface Histogram {
  readonly labels: Readonly<Record<string, string>>;
  readonly buckets: number[];
  sum: number;
  count: number;
}

/** How long requests to this server take, by route and status: a histogram. */
export class RequestTimes {
  private readonly histograms = new Map<string, Histogram>();

  /** `route` is a pattern, such as `GET /api/v1/runs/{run}`: values in it would make series without end. */
  observe(route: string, status: number, seconds: number): void {
    const labels = { route, status: String(status) };
    const key = JSON.stringify(labels);
    const of = this.histograms.get(key) ?? { labels, buckets: bounds.map(() => 0), sum: 0, count: 0 };
    this.histograms.set(key, of);
    const at = bounds.findIndex((bound) => seconds <= bound);
    if (at >= 0) of.buckets[at] = (of.buckets[at] ?? 0) + 1;
    of.sum += seconds;
    of.count += 1;
  }

  family(): Family {
    const samples = [...this.histograms.values()].flatMap(({ labels, buckets, sum, count }): Sample[] => {
      let below = 0;
      const ofBounds = bounds.map((bound, i) => {
        below += buckets[i] ?? 0;
        return { suffix: '_bucket', labels: { ...labels, le: String(bound) }, value: below };
      });
      return [
        ...ofBounds,
        { suffix: '_bucket', labels: { ...labels, le: '+Inf' }, value: count },
        { suffix: '_sum', labels, value: sum },
        { suffix: '_count', labels, value: count },
      ];
    });
    return {
      ...{ name: 'sluice_http_request_seconds', type: 'histogram', samples },
      help: 'How long requests to this server took, by route and status.',
    };
  }
}
