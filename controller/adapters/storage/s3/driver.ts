import { quietSdk } from '../../../lib/env.ts';
import type { StorageDriver } from '../../drivers.ts';

/** Amazon S3, and what speaks its protocol. The login is that of the AWS SDK: environment, profile or role. */
export const s3StorageDriver: StorageDriver = {
  kind: 's3',
  async open({ project, scratch }) {
    quietSdk();
    const { s3Storage } = await import('./s3.ts');
    return s3Storage({ ...project.connections.s3, scratch });
  },
};
