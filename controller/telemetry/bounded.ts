import type { LineageEvent } from './lineage.ts';
import type { OtlpSpan, OtlpTraces } from './otlp.ts';

/** The longest message to a receiver, and the most events of a span. Bytes of JSON. */
const longest = 512 * 1024;
const mostEvents = 128;

const bytesOf = (value: unknown): number => Buffer.byteLength(JSON.stringify(value));

/** The first of these things that are not longer together than so many bytes. */
function fitting<T>(all: readonly T[], bytes: number): T[] {
  let left = bytes;
  return all.filter((each) => {
    left -= bytesOf(each) + 1;
    return left >= 0;
  });
}

/** An event of lineage that is not too long: first without the facets of its datasets, then without the last of them. */
export function boundedLineage(event: LineageEvent): LineageEvent {
  if (bytesOf(event) <= longest) return event;
  const bare = (all: LineageEvent['inputs']) => all.map(({ namespace, name }) => ({ namespace, name, facets: {} }));
  const [inputs, outputs] = [bare(event.inputs), bare(event.outputs)];
  const most = (longest - bytesOf({ ...event, inputs: [], outputs: [] })) / 2;
  return { ...event, inputs: fitting(inputs, most), outputs: fitting(outputs, most) };
}

/** A trace in parts that are not too long, each a body of its own. Receivers put them together by the ids. */
export function partsOfTrace({ resourceSpans: [of] }: OtlpTraces, most = longest): OtlpTraces[] {
  const scope = of?.scopeSpans[0];
  if (!of || !scope) return [];
  const parts: OtlpSpan[][] = [];
  let left = 0;
  for (const { events, ...span } of scope.spans) {
    const dropped = events.length - mostEvents;
    const each = { ...span, events: events.slice(0, mostEvents), ...(dropped > 0 && { droppedEventsCount: dropped }) };
    left -= bytesOf(each);
    if (left < 0) {
      parts.push([]);
      left = most - bytesOf(each);
    }
    parts.at(-1)?.push(each);
  }
  return parts.map((spans) => ({ resourceSpans: [{ ...of, scopeSpans: [{ ...scope, spans }] }] }));
}
