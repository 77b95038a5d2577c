/**
 * A question that many ask at the same time, asked once: whoever comes while it is under way, or within `freshMs` of its
 * being asked, gets the same answer. A failure is told to those who waited for it, and asked anew by the next.
 */
export function shared<T>(ask: () => Promise<T>, freshMs: number): () => Promise<T> {
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
