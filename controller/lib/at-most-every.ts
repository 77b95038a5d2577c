/**
 * Some work that is done at most once in so many milliseconds, and never twice at the same time: callers in between get
 * its last result. One that fails is done again at the next call.
 */
export function atMostEvery<T>(ms: number, work: () => Promise<T>): () => Promise<T> {
  let last: Promise<T> | undefined;
  let freshUntil = Number.POSITIVE_INFINITY;
  return () => {
    if (last && performance.now() < freshUntil) return last;
    freshUntil = Number.POSITIVE_INFINITY;
    last = work();
    last.then(
      () => {
        freshUntil = performance.now() + ms;
      },
      () => {
        last = undefined;
      },
    );
    return last;
  };
}
