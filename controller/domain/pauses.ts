/** Who pauses a trigger whose runs fail one after the other. */
export const pausedItself = 'sluice';

/** A time during which a trigger starts no runs. Times are the store's, in milliseconds since 1970. */
export interface Pause {
  readonly from: number;
  /** Left out while it lasts. */
  readonly to?: number;
  /** It ends by itself at this time. */
  readonly until?: number;
  readonly by: string;
  readonly reason?: string;
}

/** The pauses at a time: one that ends by itself may have ended. */
export const pausesAt = (pauses: readonly Pause[], now: number): readonly Pause[] =>
  pauses.map((pause) =>
    pause.to === undefined && pause.until !== undefined && pause.until <= now ? { ...pause, to: pause.until } : pause,
  );

/** The pause that lasts. */
export const currentPause = (pauses: readonly Pause[]): Pause | undefined => {
  const last = pauses.at(-1);
  return last?.to === undefined ? last : undefined;
};

/** The end of the last pause that has ended, at `before` or later. */
export const lastResumed = (pauses: readonly Pause[], before: number | undefined): number | undefined =>
  pauses.reduce<number | undefined>((latest, { to }) => to ?? latest, before);

/** The pauses with another one that begins; undefined when one lasts already. */
export const withPause = (
  pauses: readonly Pause[],
  pause: Pick<Pause, 'by' | 'reason' | 'until'>,
  now: number,
): readonly Pause[] | undefined => (currentPause(pauses) ? undefined : [...pauses, { from: now, ...pause }]);

/** The pauses once the one that lasts has ended; undefined when none lasts. */
export function withoutPause(pauses: readonly Pause[], now: number): readonly Pause[] | undefined {
  const current = currentPause(pauses);
  return current && [...pauses.slice(0, -1), { ...current, to: now }];
}
