import type { Message, Notifier } from '../../controller/domain/ports/notifier.ts';

/** A notifier that records what it sent; `answer` may throw like a server. */
export function memoryNotifier(
  answer: (message: Message) => void = () => undefined,
): Notifier & { readonly sent: readonly Message[] } {
  const sent: Message[] = [];
  return {
    sent,
    async send(message) {
      answer(message);
      sent.push(message);
    },
  };
}
