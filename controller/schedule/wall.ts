/**
 * A wall time is what the clocks of a zone show: milliseconds since 1970, as if these clocks showed UTC. Wall times are
 * compared and counted without a zone.
 */
export const minuteMs = 60_000;
export const dayMs = 86_400_000;

/** A wall time as `2026-11-01T01:30`. */
export const wallText = (wall: number): string => new Date(wall).toISOString().slice(0, 16);

/** The date of a wall time as `2026-11-01`. */
export const dateOf = (wall: number): string => wallText(wall).slice(0, 10);

/** The wall time of a time in milliseconds since 1970, with the zone's offset in minutes. */
export const toWall = (at: number, offset: number): number => at + Math.round(offset * minuteMs);
