import type { Cluster } from '../../../domain/plan.ts';
import { machine } from '../../../lib/env.ts';

/** The resources of this machine, as those of a cluster. */
export const thisMachine: Cluster = { cores: machine.cores, largestMb: Math.floor(machine.memoryBytes / 2 ** 20) };
