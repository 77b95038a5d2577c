import type { Message, Notifier } from '../../controller/domain/ports/notifier.ts';

/** A notifier that keeps what it sent; `answer` may throw what a server would. */
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
