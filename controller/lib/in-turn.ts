/** Some work that is done for one caller after the other, in the order of their calls. */
export function inTurn<A extends readonly unknown[], T>(work: (...args: A) => Promise<T>): (...args: A) => Promise<T> {
  let before: Promise<unknown> = Promise.resolve();
  return (...args) => {
    const own = before.then(
      () => work(...args),
      () => work(...args),
    );
    before = own;
    return own;
  };
}
