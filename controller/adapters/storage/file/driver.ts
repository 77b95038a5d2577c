import type { StorageDriver } from '../../drivers.ts';

/** Files of this machine, or of one that is mounted. */
export const fileStorageDriver: StorageDriver = {
  kind: 'file',
  open: async () => (await import('./file.ts')).fileStorage,
};
