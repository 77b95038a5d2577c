import { notifierContract } from '../contract/notifier.ts';
import { memoryNotifier } from './notifier.ts';

notifierContract('in memory', async () => {
  const notifier = memoryNotifier();
  return {
    notifier,
    received: async (id) => notifier.sent.filter((mail) => mail.id === id).map((mail) => String(mail.text)),
  };
});
