import { z } from 'zod';
import type { TelemetryDriver } from '../../drivers.ts';
import { recipientIn, url, within } from './connection.ts';

const spec = z.strictObject({
  url: url.describe('of a collector (OTLP over HTTP, as JSON); traces go to its /v1/traces'),
  headers: z
    .record(
      z.string().regex(/^(?!content-|host$)[\w-]+$/i, 'must be the name of a header'),
      z.string().regex(/^[\t\x20-\x7e]*$/),
    )
    .default({})
    .describe('such as a key that the collector asks for'),
});

/** Collectors of OpenTelemetry, or anything else that takes OTLP over HTTP. */
export const otlpReceivers: TelemetryDriver = {
  kind: 'otlp',
  connection: { section: 'otlp', at: [], spec },
  takes: 'trace',
  async open({ project }) {
    const { postingNotifier } = await import('./post.ts');
    return postingNotifier('otlp', ({ to, body }) => {
      const { url: address, headers } = recipientIn<typeof spec>(project, 'otlp', to);
      return {
        url: within(address, 'v1/traces'),
        ...{ headers, body: JSON.stringify(body) },
        secrets: Object.values(headers),
      };
    });
  },
};
