import { sharedOf } from '../../../config/project.ts';
import { below } from '../../../lib/uri.ts';
import type { BackendDriver } from '../../drivers.ts';

/** DuckDB in a process of its own on this machine. */
export const embeddedDriver: BackendDriver = {
  kind: 'embedded',
  async open({ project, storage, embedded }) {
    const { embeddedBackend } = await import('./embedded.ts');
    const connections = { s3: project.connections.s3 };
    return embeddedBackend({ storage, folder: below(sharedOf(project), 'embedded'), connections, ...embedded });
  },
};
