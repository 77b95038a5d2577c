import { html } from '../../lib/html.ts';
import type { AnyRoute } from '../http/route.ts';
import { runCalls } from '../routes/runs.ts';
import { answerTo, page } from './frame/page.ts';
import { badge } from './parts/state.ts';
import { table } from './parts/table.ts';
import { isolated, linkTo, pathTo } from './parts/text.ts';
import { ago } from './parts/time.ts';

/** The messages of as many runs are shown. */
const mostRuns = 50;

const messagesPage = page({
  name: 'messagesPage',
  path: '/messages',
  scope: 'read',
  summary: 'The messages about the last runs, and whether they are sent',
  async content(asked, view) {
    const { t } = view;
    const { items: runs } = await answerTo(runCalls.listRuns, asked, { query: { limit: mostRuns } as never });
    const found = await Promise.all(
      runs.map(async (run) =>
        (await asked.api.store.messages(run.run)).map((message) => ({ ...message, ...run, sent: message.state })),
      ),
    );
    const body = html`<h1>${t.messages.title}</h1><p class="faint">${t.messages.explain(runs.length)}</p>${table({
      id: 'messages',
      caption: t.messages.title,
      head: [t.run.run, t.run.pipeline, t.run.started, t.run.channel, t.run.event, t.run.to, t.run.state, t.run.note],
      rows: found
        .flat()
        .map(({ run, pipeline, started, channel, event, to, sent, note }) => [
          linkTo(pathTo('runs', run), run),
          isolated(pipeline, 120),
          ago(started),
          isolated(channel, 60),
          isolated(event, 60),
          isolated(to),
          badge(sent, t),
          note === undefined ? null : isolated(note, 300),
        ]),
      empty: t.run.noMessages,
      isList: true,
    })}`;
    return { title: t.messages.title, body };
  },
});

/** The outbox. */
export const messagePages: readonly AnyRoute[] = [messagesPage];
