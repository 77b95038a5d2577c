import type { Family } from './exposition.ts';
import { Durations } from './histograms.ts';

/** How long requests to this server take, by route and status; and which requests of webhooks it has not taken. */
export class RequestTimes {
  private readonly times = new Durations(
    'sluice_http_request_seconds',
    'How long requests to this server took, by route and status.',
    [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
  );
  private readonly rejected = new Map<string, number>(Object.values(reasons).map((reason) => [reason, 0]));

  /** `route` is a pattern, such as `GET /api/v1/runs/{run}`: values in it would make series without end. */
  observe(route: string, status: number, seconds: number): void {
    this.times.observe({ route, status: String(status) }, seconds);
    const reason = status < 400 || !route.startsWith('POST /hooks/') ? undefined : (reasons[status] ?? other(status));
    if (reason !== undefined) this.rejected.set(reason, (this.rejected.get(reason) ?? 0) + 1);
  }

  families(): Family[] {
    return [
      this.times.family(),
      {
        ...{ name: 'sluice_webhook_rejected_total', type: 'counter' },
        help: 'Requests to webhooks that this server has not taken, by the reason.',
        samples: [...this.rejected].map(([reason, value]) => ({ labels: { reason }, value })),
      },
    ];
  }
}

/** Why a request of a webhook was not taken, by the status of the answer. */
const reasons: Readonly<Record<number, string>> = {
  400: 'malformed',
  401: 'signature',
  404: 'unknown',
  410: 'unknown',
  413: 'malformed',
  422: 'refused',
  423: 'paused',
  429: 'too-many',
  500: 'failed',
  503: 'unavailable',
};
const other = (status: number): string => (status < 500 ? 'malformed' : 'failed');

/** How long requests to the run store take, by the operation. */
export const storeTimes = (): Durations =>
  new Durations(
    'sluice_store_request_seconds',
    'How long this server waited for the run store, by operation.',
    [0.001, 0.005, 0.025, 0.1, 0.5, 2.5, 5],
  );
