/**
 * Coalesces concurrent requests: callers that arrive while one is in flight, or within `freshMs` of its start, share
 * its answer. A failure reaches the callers that waited for it, and is not cached.
 */
export function coalesce<T>(ask: () => Promise<T>, freshMs: number): () => Promise<T> {
  let current: { readonly answer: Promise<T>; readonly askedAt: number; settled: boolean } | undefined;
  return () => {
    if (current && (!current.settled || performance.now() - current.askedAt < freshMs)) return current.answer;
    const asked = { answer: ask(), askedAt: performance.now(), settled: false };
    current = asked;
    asked.answer.then(
      () => {
        asked.settled = true;
      },
      () => {
        if (current === asked) current = undefined;
      },
    );
    return asked.answer;
  };
}
