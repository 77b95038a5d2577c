import { createHash } from 'node:crypto';
import type { Notice } from '../../../messages/notice.ts';

/** The same for the beginning and the end of an incident, and for nothing else. At most 255 characters. */
export function incidentKey(
  project: string,
  { name, labels }: Pick<NonNullable<Notice['incident']>, 'name' | 'labels'>,
): string {
  const key = ['sluice', project, name, ...Object.values(labels)].join('/');
  const hash = createHash('sha256')
    .update(JSON.stringify([project, name, labels]))
    .digest('hex');
  return key.length <= 200 ? key : `${key.slice(0, 180)}…${hash}`;
}
