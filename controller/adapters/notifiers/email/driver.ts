import { z } from 'zod';
import { mailServer } from '../../../config/addresses.ts';
import { mailOf } from '../../../messages/mail.ts';
import type { NotifierDriver } from '../../drivers.ts';

/** Email. */
export const emailNotifications: NotifierDriver = {
  kind: 'email',
  spec: z.email().describe('One address; list several entries for several people'),
  check: (_address, project) => void mailServer(project),
  async open({ project }) {
    const { emailNotifier } = await import('./email.ts');
    return emailNotifier(mailServer(project));
  },
  render: (notice, { from }) => mailOf(notice, from),
  describe: String,
};
