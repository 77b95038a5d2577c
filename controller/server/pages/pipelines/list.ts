import { html } from '../../../lib/html.ts';
import { pipelineCalls } from '../../routes/pipelines.ts';
import { answerTo, page } from '../frame/page.ts';
import { badge } from '../parts/state.ts';
import { table } from '../parts/table.ts';
import { isolated, linkTo, pathTo } from '../parts/text.ts';
import { ago } from '../parts/time.ts';

export const pipelinesPage = page({
  name: 'pipelinesPage',
  path: '/pipelines',
  scope: 'read',
  summary: 'The pipelines, each with its last run',
  async content(asked, view) {
    const { t } = view;
    const words = t.pipelines;
    const { items } = await answerTo(pipelineCalls.listPipelines, asked, {});
    const body = html`<h1>${words.title}</h1>${table({
      id: 'pipelines',
      caption: words.title,
      head: [t.run.pipeline, words.description, words.lastRun, words.triggers, words.steps, words.file],
      rows: items.map(({ pipeline, description, last, triggers, steps, file, problem }) => [
        linkTo(pathTo('pipelines', pipeline), pipeline),
        description === null ? null : isolated(description, 300),
        last && html`<a href="${pathTo('runs', last.run)}">${badge(last.state, t)} ${ago(last.started)}</a>`,
        triggers.length,
        steps.length,
        html`<code>${isolated(file, 200)}</code>${problem !== null && html` <span class="state bad"><span aria-hidden="true">✗</span> ${words.problem}</span>`}`,
      ]),
      numbers: [3, 4],
      empty: words.none,
      isList: true,
    })}`;
    return { title: words.title, body, stream: '/api/v1/events' };
  },
});
