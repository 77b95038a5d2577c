import { z } from 'zod';
import { asText, type Block, bounded, type Notice } from '../../../messages/notice.ts';
import type { NotifierDriver } from '../../drivers.ts';
import { recipientIn, recipientsIn, secretsIn, url } from './connection.ts';

const spec = z.strictObject({ hook: url.describe('the URL of an incoming webhook') });

/** The limits of Slack: characters of a header and of a section, and blocks of a message, of which most say enough. */
const limits = { header: 150, section: 3000, blocks: 20 };

/** Text in which Slack reads no links, mentions or commands, of at most so many characters. */
function plain(text: string, most: number): string {
  for (let length = most; ; length = Math.floor(length * 0.8)) {
    const escaped = bounded(text, length).replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
    if (escaped.length <= most) return escaped;
  }
}

const section = (text: string, type: 'plain_text' | 'mrkdwn') => ({ type: 'section', text: { type, text } });

const shown = (block: Block) =>
  block.kind === 'log' || block.kind === 'table'
    ? section(`\`\`\`${plain(asText(block).replaceAll('```', '…'), limits.section - 6)}\`\`\``, 'mrkdwn')
    : section(plain(asText(block), limits.section), 'plain_text');

const blocksOf = ({ title, blocks }: Notice) => [
  { type: 'header', text: { type: 'plain_text', text: plain(title, limits.header), emoji: false } },
  ...blocks
    .filter((block) => asText(block) !== '')
    .slice(0, limits.blocks)
    .map(shown),
];

/** A channel of Slack. It has no ids of messages: one may be seen twice after a kill. */
export const slackNotifications: NotifierDriver = {
  ...recipientsIn('slack', spec),
  render: (notice) => ({ body: { text: plain(notice.title, limits.section), blocks: blocksOf(notice) } }),
  async open({ project }) {
    const { postingNotifier } = await import('./post.ts');
    return postingNotifier('slack', ({ to, body }) => {
      const { hook } = recipientIn<typeof spec>(project, 'slack', to);
      return { url: hook, body: JSON.stringify(body), secrets: secretsIn(hook) };
    });
  },
};
