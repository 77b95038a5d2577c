import { quietSdk } from '../../../lib/env.ts';
import { rejected } from '../../../lib/errors.ts';
import type { StorageDriver } from '../../drivers.ts';

/** Amazon S3, and what speaks its protocol. The login is that of the AWS SDK: environment, profile or role. */
export const s3StorageDriver: StorageDriver = {
  kind: 's3',
  async open({ project, scratch }) {
    quietSdk();
    const { s3Storage } = await import('./s3.ts').catch((error: unknown) => {
      if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error;
      throw rejected('the packages for s3:// are not installed', 'npm install @aws-sdk/client-s3 @aws-sdk/lib-storage');
    });
    return s3Storage({ ...project.connections.s3, scratch });
  },
};
