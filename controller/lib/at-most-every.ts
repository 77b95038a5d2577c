/** Does some work at most once in so many milliseconds; whoever asks in between gets what the last time gave, also an error. */
export function atMostEvery<T>(ms: number, work: () => Promise<T>): () => Promise<T> {
  let last: { readonly at: number; readonly result: Promise<T> } | undefined;
  return () => {
    if (!last || performance.now() - last.at >= ms) last = { at: performance.now(), result: work() };
    return last.result;
  };
}
