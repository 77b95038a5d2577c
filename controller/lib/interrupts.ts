/** Does work that asks, between its parts, why to stop: after Ctrl-C or SIGTERM there is a reason. */
export async function withInterrupts<T>(work: (stopped: () => string | undefined) => Promise<T>): Promise<T> {
  let reason: string | undefined;
  const interrupt = (): void => {
    reason = 'interrupted';
  };
  process.on('SIGINT', interrupt).on('SIGTERM', interrupt);
  try {
    return await work(() => reason);
  } finally {
    process.off('SIGINT', interrupt).off('SIGTERM', interrupt);
  }
}
