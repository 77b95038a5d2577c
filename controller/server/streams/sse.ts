/** A message of a stream of server-sent events. */
export interface Sent {
  readonly id?: string | number;
  readonly event: string;
  readonly data: unknown;
}

/** The most that waits for a slow reader. Bytes. */
const mostBuffered = 1 << 20;
/** How long a reader with a full buffer may read nothing before its stream is dropped. Milliseconds. */
const stalledMs = 10_000;
/** The interval of comments that keep a quiet connection open through proxies. Milliseconds. */
const heartbeatMs = 15_000;
/** How soon a client connects again after the end of a connection. Milliseconds. */
const reconnectMs = 1000;

export interface StreamOptions {
  /** Called once when the stream is over, for whatever reason. */
  readonly onClose?: () => void;
  readonly heartbeatMs?: number;
  readonly stalledMs?: number;
}

const encoder = new TextEncoder();
const textOf = ({ id, event, data }: Sent): string =>
  `${id === undefined ? '' : `id: ${id}\n`}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;

/**
 * An answer of server-sent events. `events` ends when its signal aborts: because the client has left, or reads too
 * slowly. Nothing is read ahead of the client beyond a bounded buffer.
 */
export function eventStream(
  events: (signal: AbortSignal) => AsyncIterable<Sent>,
  { onClose = () => undefined, heartbeatMs: beat = heartbeatMs, stalledMs: patience = stalledMs }: StreamOptions = {},
): Response {
  const leaving = new AbortController();
  let drained: () => void = () => undefined;
  async function pump(controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> {
    const hasRoom = (): boolean => (controller.desiredSize ?? 0) > 0;
    const heartbeat = setInterval(() => {
      if (hasRoom()) controller.enqueue(encoder.encode(': \n\n'));
    }, beat);
    try {
      controller.enqueue(encoder.encode(`retry: ${reconnectMs}\n\n`));
      for await (const sent of events(leaving.signal)) {
        if (leaving.signal.aborted) return;
        controller.enqueue(encoder.encode(textOf(sent)));
        if (!hasRoom()) await room(hasRoom, patience);
        if (!hasRoom()) throw new Error('the reader is too slow');
      }
      if (!leaving.signal.aborted) controller.close();
    } catch (error) {
      if (!leaving.signal.aborted) controller.error(error);
    } finally {
      clearInterval(heartbeat);
      leaving.abort();
      onClose();
    }
  }
  const room = async (hasRoom: () => boolean, ms: number): Promise<void> => {
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      drained = resolve;
      timer = setTimeout(resolve, ms);
      if (hasRoom() || leaving.signal.aborted) resolve();
    });
    clearTimeout(timer);
  };
  const body = new ReadableStream<Uint8Array>(
    {
      start(controller) {
        void pump(controller);
      },
      pull: () => drained(),
      cancel() {
        leaving.abort();
        drained();
      },
    },
    new ByteLengthQueuingStrategy({ highWaterMark: mostBuffered }),
  );
  return new Response(body, {
    headers: {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      // A proxy that buffers would hold events back.
      'x-accel-buffering': 'no',
    },
  });
}

/** Whether a client asks for a stream of events instead of a document. */
export const wantsStream = (headers: Headers): boolean =>
  /(?:^|[\s,])text\/event-stream\b/i.test(headers.get('accept') ?? '');

/** The number of the last event that a client has, from its header; undefined without one. NaN for anything else. */
export function lastEventId(headers: Headers): number | undefined {
  const given = headers.get('last-event-id');
  return given === null || given === '' ? undefined : /^\d{1,15}$/.test(given) ? Number(given) : Number.NaN;
}
