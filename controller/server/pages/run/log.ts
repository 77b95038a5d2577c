import { z } from 'zod';
import { html } from '../../../lib/html.ts';
import { visible } from '../../../lib/text.ts';
import { logCalls } from '../../routes/logs.ts';
import { partName, runName } from '../../routes/shared.ts';
import { answerTo, page } from '../frame/page.ts';
import { select } from '../parts/forms.ts';
import { isolated, linkTo, pathTo } from '../parts/text.ts';

const levels = ['warn', 'error'] as const;
/** The level of a line, after its time; a line without one goes on with the one before, as the lines of a trace do. */
const levelOf = /^(?:[\d[].{0,60}?)?\b(TRACE|DEBUG|INFO|WARN|ERROR|FATAL)\b/;
const shownBy: Readonly<Record<(typeof levels)[number], readonly string[]>> = {
  warn: ['WARN', 'ERROR', 'FATAL'],
  error: ['ERROR', 'FATAL'],
};

/** The lines of a log of at least a level. The module does the same with those that come later. Pure. */
export function linesOf(lines: readonly string[], level: (typeof levels)[number] | undefined): readonly string[] {
  if (level === undefined) return lines;
  let isShown = false;
  return lines.filter((line) => {
    const found = levelOf.exec(line)?.[1];
    if (found !== undefined) isShown = shownBy[level].includes(found);
    return isShown;
  });
}

const shown = (line: string): string => visible(line.replaceAll('\t', '    '));

/** The log of an attempt's driver; the module follows it. */
export const attemptLog = page({
  name: 'attemptPage',
  path: '/runs/{run}/steps/{step}/attempts/{attempt}',
  scope: 'read',
  summary: 'The end of the log of an attempt’s driver',
  params: { run: runName, step: partName, attempt: z.coerce.number().int().min(1) },
  query: {
    level: z.enum(levels).optional(),
  },
  async content(asked, { t }) {
    const { run, step, attempt, lines } = await answerTo(logCalls.getLog, asked, { params: asked.params });
    const { level } = asked.query;
    const found = linesOf(lines, level);
    const path = pathTo('runs', run, 'steps', step, 'attempts', String(attempt));
    const title = `${t.run.log}: ${step.slice(0, 60)}, ${t.run.attempt} ${attempt}`;
    const body = html`<h1>${t.run.log}: ${isolated(step, 120)}, ${t.run.attempt} ${attempt}</h1>
<p>${t.run.toRun} ${linkTo(pathTo('runs', run), run)}</p>
<form class="row" action="${path}" data-filter>${select(
      'level',
      t.run.level,
      level,
      levels.map((value) => ({ value, text: t.run.levels[value] })),
      t.run.allLines,
    )}<button>${t.run.filter}</button></form>
${found.length === 0 && html`<p class="faint">${lines.length === 0 ? t.run.noLog : t.run.noLines}</p>`}
<div class="card"><pre id="log" tabindex="0" role="log" aria-live="off" aria-label="${t.run.log}" data-log="/api/v1${path}/log">${found.map(shown).join('\n')}</pre></div>`;
    return { title, body };
  },
});
