import { expect, test } from 'vitest';
import { recipientsOf } from '../../../controller/app/alerts/recipients.ts';
import { builtIn } from '../../../controller/app/registry.ts';
import { connectionsSchema } from '../../../controller/config/connections.ts';
import type { AlertCase } from '../../../controller/domain/alerts.ts';

test('a channel is not told that it refuses messages, as that would be refused for ever; the others are', () => {
  const additions = {
    notifiers: builtIn.notifiers,
    sections: Object.fromEntries(
      builtIn.notifiers.flatMap(({ connection: of }) => (of?.spec ? [[of.section, of.spec]] : [])),
    ),
  };
  const hook = { hook: 'https://hooks.example.org/services/T/B/X' };
  const connections = connectionsSchema(additions).parse({
    slack: { bad: hook, good: hook },
    alerts: { notify: [{ slack: 'bad' }, { slack: 'good' }, { email: 'a@example.org' }] },
  });
  const recipients = recipientsOf({ connections } as never, [], builtIn.notifiers);
  const told = (name: string, labels: object): string[] =>
    recipients.filter((each) => each.accepts({ name, labels, severity: 'error' } as AlertCase)).map(({ id }) => id);
  expect(told('RunFailed', { pipeline: 'p' })).toHaveLength(3);
  expect(told('MessagesRefused', { channel: 'slack' })).toEqual(['email a@example.org']);
  expect(told('MessagesRefused', { channel: 'email' })).toEqual(['slack bad', 'slack good']);
  expect(told('OutboxStuck', { channel: 'slack' })).toHaveLength(3);
});
