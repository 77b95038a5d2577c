import type { StorageDriver } from '../../drivers.ts';

/** Files of this machine or of a mounted file system. */
export const fileStorageDriver: StorageDriver = {
  kind: 'file',
  open: async () => (await import('./file.ts')).fileStorage,
};
