import { z } from 'zod';
import { asText, type Block, bounded, type Notice } from '../../../messages/notice.ts';
import type { NotifierDriver } from '../../drivers.ts';
import { recipientIn, recipientsIn, secretsIn, url } from './connection.ts';

const spec = z.strictObject({ hook: url.describe('the URL of a workflow that posts cards to a channel') });

/** The longest text and the most blocks of a card, which may have 28 KB. */
const limits = { text: 1500, blocks: 12 };

/** Text in which Teams reads no Markdown. */
const plain = (text: string): string => text.replace(/[\\`*_[\]()#~>|]/g, '\\$&');

const textBlock = (text: string, more: object = {}) => ({
  ...{ type: 'TextBlock', text: plain(bounded(text, limits.text)), wrap: true, ...more },
});

function shown(block: Block): object {
  if (block.kind !== 'facts') return textBlock(asText(block), block.kind === 'log' ? { fontType: 'Monospace' } : {});
  const facts = block.rows
    .slice(0, 20)
    .map(([title, value]) => ({ title: plain(title), value: plain(bounded(value, 300)) }));
  return { type: 'FactSet', facts };
}

const colour: Readonly<Record<Notice['severity'], string>> = {
  ...{ critical: 'Attention', error: 'Attention', warning: 'Warning', info: 'Good' },
};

/** A channel of Microsoft Teams, as an Adaptive Card. */
export const teamsNotifications: NotifierDriver = {
  ...recipientsIn('teams', spec),
  render: ({ title, severity, blocks }) => ({
    body: {
      type: 'message',
      attachments: [
        {
          contentType: 'application/vnd.microsoft.card.adaptive',
          content: {
            ...{ $schema: 'http://adaptivecards.io/schemas/adaptive-card.json', type: 'AdaptiveCard', version: '1.4' },
            body: [
              textBlock(title, { weight: 'Bolder', size: 'Medium', color: colour[severity] }),
              ...blocks
                .filter((block) => asText(block) !== '')
                .slice(0, limits.blocks)
                .map(shown),
            ],
          },
        },
      ],
    },
  }),
  async open({ project }) {
    const { postingNotifier } = await import('./post.ts');
    return postingNotifier('teams', ({ to, body }) => {
      const { hook } = recipientIn<typeof spec>(project, 'teams', to);
      return { url: hook, body: JSON.stringify(body), secrets: secretsIn(hook) };
    });
  },
};
