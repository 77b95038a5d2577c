import { z } from 'zod';
import { html } from '../../../lib/html.ts';
import { visible } from '../../../lib/text.ts';
import { logCalls } from '../../routes/logs.ts';
import { partName, runName } from '../../routes/shared.ts';
import { answerTo, page } from '../frame/page.ts';
import { isolated, linkTo, pathTo } from '../parts/text.ts';

const shown = (line: string): string => visible(line.replaceAll('\t', '    '));

/** The log of an attempt's driver; the module follows it. */
export const attemptLog = page({
  name: 'attemptPage',
  path: '/runs/{run}/steps/{step}/attempts/{attempt}',
  scope: 'read',
  summary: 'The end of the log of an attempt’s driver',
  params: { run: runName, step: partName, attempt: z.coerce.number().int().min(1) },
  async content(asked, { t }) {
    const { run, step, attempt, lines } = await answerTo(logCalls.getLog, asked, { params: asked.params });
    const path = pathTo('runs', run, 'steps', step, 'attempts', String(attempt));
    const title = `${t.run.log}: ${step.slice(0, 60)}, ${t.run.attempt} ${attempt}`;
    const body = html`<h1>${t.run.log}: ${isolated(step, 120)}, ${t.run.attempt} ${attempt}</h1>
<p>${t.run.toRun} ${linkTo(pathTo('runs', run), run)}</p>
${lines.length === 0 && html`<p class="faint">${t.run.noLog}</p>`}
<div class="card"><pre id="log" tabindex="0" role="log" aria-live="off" aria-label="${t.run.log}" data-log="/api/v1${path}/log">${lines.map(shown).join('\n')}</pre></div>`;
    return { title, body };
  },
});
