/** The processes of a run. */
export type Role = 'controller' | 'embedded' | 'driver' | 'executor';

/** The parts of a run whose peak memory is told apart. */
export const runParts = ['measuring', 'job', 'publishing', 'report'] as const;
type RunPart = (typeof runParts)[number];

/** The largest memory of processes, in MiB; of processes with the same role, the sum. */
export type Sizes = Partial<Record<Role, number>>;
export type Peaks = Readonly<Record<RunPart, Sizes>>;

/** The largest sum over all processes in one part of a run. MiB. */
export const peakOf = (peaks: Peaks): number =>
  Math.max(...runParts.map((part) => Object.values(peaks[part]).reduce((sum, mib) => sum + mib, 0)));
