import { describe, expect, test } from 'vitest';
import type { Message, Notifier } from '../../controller/domain/ports/notifier.ts';

/** The contract of every notifier. `received` returns how often a message with an id has arrived, and its text. */
export function notifierContract(
  name: string,
  open: () => Promise<{ notifier: Notifier; received(id: string): Promise<readonly string[]> }>,
): void {
  describe(`the notifier ${name}`, () => {
    const message = (id: string): Message => ({
      id: `<${id}-${Date.now()}@sluice>`,
      run: 'r',
      event: 'succeeded',
      to: 'reader@example.org',
      from: 'Sluice <sluice@example.org>',
      subject: 'Отчёт готов',
      text: 'Все строки сошлись.\n',
      html: '<p>Все строки сошлись.</p>',
    });

    test('delivers text and id unchanged', async () => {
      const { notifier, received } = await open();
      const mail = message('one');
      await notifier.send(mail);
      expect(await received(mail.id)).toEqual([mail.text]);
    });

    test('sends the same id on every attempt, so that a reader can recognise a repetition', async () => {
      const { notifier, received } = await open();
      const mail = message('twice');
      await notifier.send(mail);
      await notifier.send(mail);
      expect(await received(mail.id)).toEqual([mail.text, mail.text]);
    });
  });
}
