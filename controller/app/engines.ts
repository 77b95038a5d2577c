import { extname, join } from 'node:path';
import type { BackendDriver } from '../adapters/drivers.ts';
import { isOwnerGone, pidOfOwner } from './controller-id.ts';

const extension = extname(import.meta.filename);

/** What the embedded engine's driver needs of this program. */
export const embeddedProcess: Parameters<BackendDriver['open']>[0]['embedded'] = {
  // Run from its sources, the program needs the loader of its own process.
  worker: [
    process.execPath,
    ...(extension === '.ts' ? ['--import', 'tsx'] : []),
    join(import.meta.dirname, `embedded-worker${extension}`),
  ],
  isGone: isOwnerGone,
  pidOf: pidOfOwner,
};
