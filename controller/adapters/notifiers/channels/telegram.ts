import { z } from 'zod';
import { html } from '../../../lib/html.ts';
import { asText, bounded } from '../../../messages/notice.ts';
import type { NotifierDriver } from '../../drivers.ts';
import { recipientIn, recipientsIn, url } from './connection.ts';

const spec = z.strictObject({
  token: z
    .string()
    .regex(/^\d+:[\w-]+$/, 'must be the token of a bot')
    .describe('of the bot that writes'),
  chat: z
    .string()
    .regex(/^(-?\d+|@\w+)$/, 'must be the id of a chat, or @channel')
    .describe('where it writes'),
  api: url.default('https://api.telegram.org').describe('of a server of your own'),
});

/** Telegram takes 4096 characters after parsing. */
const limits = { title: 300, text: 3700 };

/** How long Telegram asks to wait, from its answer. Milliseconds. */
function pauseOf(answer: string): number | undefined {
  const [, seconds] = /"retry_after":\s*(\d{1,6})\b/.exec(answer) ?? [];
  return seconds === undefined ? undefined : Number(seconds) * 1000;
}

/** A chat of Telegram. It has no ids of messages: one may be seen twice after a kill. */
export const telegramNotifications: NotifierDriver = {
  ...recipientsIn('telegram', spec),
  render: ({ title, blocks }) => ({
    text: html`<b>${bounded(title, limits.title)}</b>\n\n${bounded(blocks.map(asText).join('\n\n'), limits.text)}`.text,
  }),
  async open({ project }) {
    const { postingNotifier } = await import('./post.ts');
    return postingNotifier(
      'telegram',
      ({ to, text }) => {
        const { token, chat, api } = recipientIn<typeof spec>(project, 'telegram', to);
        const body = { chat_id: chat, text, parse_mode: 'HTML', link_preview_options: { is_disabled: true } };
        return { url: `${api}/bot${token}/sendMessage`, body: JSON.stringify(body), secrets: [token] };
      },
      pauseOf,
    );
  },
};
