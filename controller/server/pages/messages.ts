import { z } from 'zod';
import type { PostedMessage } from '../../domain/ports/outbox.ts';
import { type Html, html } from '../../lib/html.ts';
import { iso } from '../../lib/text.ts';
import { cursorOf, numberOf } from '../http/cursor.ts';
import type { AnyRoute } from '../http/route.ts';
import { seenPipelines } from '../routes/shared.ts';
import { pager } from './blocks/pager.ts';
import { page } from './frame/page.ts';
import type { View } from './frame/view.ts';
import { badge } from './parts/state.ts';
import { table } from './parts/table.ts';
import { isolated, linkTo, pathTo } from './parts/text.ts';
import { ago } from './parts/time.ts';

/** As many messages are on a page, and of those that are not sent. */
const ofPage = 50;
const mostUnsent = 100;

function messagesTable(
  id: string,
  caption: string,
  all: readonly PostedMessage[],
  { t }: View,
  empty = t.run.noMessages,
): Html {
  return table({
    id,
    caption,
    head: [
      t.run.to,
      t.run.channel,
      t.run.event,
      t.run.state,
      t.messages.entered,
      t.run.run,
      t.run.pipeline,
      t.run.note,
    ],
    rows: all.map(({ run, pipeline, channel, event, to, state, note, tries, entered }) => [
      isolated(to),
      isolated(channel, 60),
      isolated(event, 60),
      html`${badge(state, t)}${state === 'waiting' && tries > 0 && html` ${t.messages.tries(tries)}`}`,
      ago(iso(entered)),
      run === undefined ? null : linkTo(pathTo('runs', run), run),
      pipeline === undefined ? null : isolated(pipeline, 120),
      note === undefined ? null : isolated(note, 300),
    ]),
    empty,
  });
}

const messagesPage = page({
  name: 'messagesPage',
  path: '/messages',
  scope: 'read',
  summary: 'The messages of the project, and whether they are sent; first those that are not, whatever their age',
  query: { after: z.string().max(200).optional() },
  async content(asked, view) {
    const { t } = view;
    const { after } = asked.query;
    const { store } = asked.api;
    const seen = seenPipelines(asked.principal);
    const before = after === undefined ? {} : { before: numberOf(after) };
    const [unsent, found] = await Promise.all([
      after === undefined ? store.posted({ ...seen, only: 'unsent', limit: mostUnsent + 1 }) : [],
      store.posted({ ...seen, ...before, limit: ofPage + 1 }),
    ]);
    const items = found.slice(0, ofPage);
    const last = found.length > ofPage ? items.at(-1) : undefined;
    const words = t.messages;
    const body = html`<h1>${words.title}</h1>
${after === undefined && html`${messagesTable('unsent', words.unsent, unsent.slice(0, mostUnsent), view, words.allSent)}${unsent.length > mostUnsent && html`<p class="faint">${words.more(mostUnsent)}</p>`}`}
${messagesTable('messages', words.all, items, view)}
${pager('/messages', new URLSearchParams(), { isFirst: after === undefined, next: last ? cursorOf(last.number) : null }, view)}`;
    return { title: words.title, body, ...(after === undefined && { stream: '/api/v1/events' }) };
  },
});

/** The outbox. */
export const messagePages: readonly AnyRoute[] = [messagesPage];
