import { z } from 'zod';
import { asText, type Block, bounded, type Notice } from '../../../messages/notice.ts';
import type { NotifierDriver } from '../../drivers.ts';
import { recipientIn, recipientsIn, url } from './connection.ts';

const spec = z.strictObject({ hook: url.describe('the URL of an incoming webhook') });

/** The limits of Slack: characters of a header and of a section, and blocks of a message, of which most say enough. */
const limits = { header: 150, section: 3000, blocks: 20 };

/** Text in which Slack reads no markup, links or mentions. */
const plain = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

const section = (text: string, type = 'plain_text') => ({
  ...{ type: 'section', text: { type, text: bounded(text, limits.section) } },
});

const shown = (block: Block) =>
  block.kind === 'log' || block.kind === 'table'
    ? section(`\`\`\`${plain(bounded(asText(block), 2500)).replaceAll('```', '"""')}\`\`\``, 'mrkdwn')
    : section(asText(block));

const blocksOf = ({ title, blocks }: Notice) => [
  { type: 'header', text: { type: 'plain_text', text: bounded(title, limits.header), emoji: false } },
  ...blocks
    .filter((block) => asText(block) !== '')
    .slice(0, limits.blocks)
    .map(shown),
];

/** A channel of Slack. It has no ids of messages: one may be seen twice after a kill. */
export const slackNotifications: NotifierDriver = {
  ...recipientsIn('slack', spec),
  render: (notice) => ({ body: { text: plain(notice.title), blocks: blocksOf(notice) } }),
  async open({ project }) {
    const { postingNotifier } = await import('./post.ts');
    return postingNotifier('slack', ({ to, body }) => {
      const { hook } = recipientIn<typeof spec>(project, 'slack', to);
      return { url: hook, body: JSON.stringify(body), secrets: [new URL(hook).pathname] };
    });
  },
};
