import type { DuckRow } from '../clients/duckdb.ts';
import { inLanguage, type Report } from '../domain/pipeline.ts';
import type { RunState } from '../domain/state.ts';
import { formatDuration } from '../lib/duration.ts';
import { type Html, html, raw } from '../lib/html.ts';
import { type Language, words } from '../messages/words.ts';
import { sourceScore } from '../planning/values.ts';
import type { ReportData } from './data.ts';
import { shownValue } from './numbers.ts';

const style = raw(`
:root{--ink:#1c2733;--faint:#5b6772;--line:#e3e8ee;--card:#fff;--ground:#f3f5f8;--accent:#0b63ce}
*{box-sizing:border-box}body{margin:0;background:var(--ground);color:var(--ink);font:15px/1.55 -apple-system,'Segoe UI',Roboto,'DejaVu Sans',sans-serif}
main{max-width:1180px;margin:0 auto;padding:32px 20px 64px}h1{font-size:28px;margin:0 0 4px}h2{font-size:19px;margin:36px 0 12px}
.faint{color:var(--faint)}.cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(190px,1fr));gap:14px;margin-top:22px}
.card{background:var(--card);border:1px solid var(--line);border-radius:8px;padding:14px 18px}.card b{display:block;font-size:21px;white-space:nowrap;font-weight:600;font-variant-numeric:tabular-nums}
.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(440px,1fr));gap:14px}.charts svg{width:100%;height:auto}
.card h3{margin:0 0 8px;font-size:15px;font-weight:600}.scroll{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}th{color:var(--faint);font-weight:500;text-align:left}
th,td{padding:6px 14px 6px 0;border-bottom:1px solid var(--line);vertical-align:top}.num{text-align:right;white-space:nowrap}code{font-size:13px;word-break:break-all}
a{color:var(--accent)}@media print{body{background:#fff}.card{break-inside:avoid}}`);

const isNumber = (rows: readonly DuckRow[], column: string): boolean =>
  rows.every((row) => row[column] === null || typeof row[column] === 'number');

function table(rows: readonly DuckRow[]): Html {
  const columns = Object.keys(rows[0] ?? {});
  const numeric = new Set(columns.filter((column) => isNumber(rows, column)));
  const align = (column: string): string => (numeric.has(column) ? 'num' : '');
  const titled = columns.some((column) => column.trim() !== '');
  const cents = new Set(
    columns.filter((c) => rows.some((row) => typeof row[c] === 'number' && !Number.isInteger(row[c]))),
  );
  return html`<div class="scroll"><table>${titled && html`<tr>${columns.map((c) => html`<th class="${align(c)}">${c}</th>`)}</tr>`}${rows.map(
    (row) =>
      html`<tr>${columns.map((c) => html`<td class="${align(c)}">${shownValue(row[c], cents.has(c))}</td>`)}</tr>`,
  )}</table></div>`;
}

/** The report as one self-contained HTML page. */
export function reportPage(
  run: string,
  report: Report,
  state: RunState,
  data: ReportData,
  language: Language,
  madeAt: number,
): string {
  const t = words[language];
  const title = inLanguage(report.title, language);
  const branch = state.pipeline?.branches.find((each) => each.name === state.plan?.choice.branch);
  const made = new Date(madeAt).toISOString().slice(0, 16).replace('T', ' ');
  return html`<!doctype html><html lang="${language}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1"><title>${title}</title><style>${style}</style></head><body><main>
<h1>${title}</h1><div class="faint">${t.made} ${made} UTC · ${t.run} ${run}</div>
${branch?.says !== undefined && html`<p>${inLanguage(branch.says, language)}</p>`}
${
  data.figures.length > 0
    ? html`<div class="cards">${data.figures.map(({ name, value }) => html`<div class="card"><span class="faint">${name}</span><b>${value}</b></div>`)}</div>`
    : html`<p class="faint">${t.noFigures}</p>`
}
<div class="charts" style="margin-top:14px">${data.charts.map((chart) => html`<div class="card"><h3>${chart.title}</h3>${raw(chart.svg)}</div>`)}</div>
${data.tables.map(({ title, rows }) => html`<h2>${title}</h2><div class="card">${table(rows)}</div>`)}
${data.spreadsheets.length > 0 && html`<p>${t.spreadsheets}: ${data.spreadsheets.map((file, i) => html`${i > 0 ? ', ' : ''}<a href="${file}">${file}</a>`)}</p>`}
${quality(state, language)}
<h2>${t.run}</h2><div class="card">${table(facts(run, state, language))}</div>
</main></body></html>`.text;
}

/** Rows read and quarantined, with reasons; they reconcile. */
function quality(state: RunState, language: Language): Html | undefined {
  const t = words[language];
  const { profiles, plan } = state;
  if (!profiles || !plan) return undefined;
  const sources = Object.entries(profiles).map(([name, { measures: m }]) => ({
    [t.source]: name,
    [t.read]: m.rows,
    [t.valid]: m.valid,
    [t.quarantined]: m.invalid,
    [t.duplicates]: m.duplicates,
    [t.bytes]: m.bytes / 1e6,
    [t.score]: sourceScore(m).toFixed(4),
    [t.why]: Object.entries(m.invalidByReason)
      .map(([reason, n]) => `${reason}: ${shownValue(n)}`)
      .join('; '),
  }));
  const examples = Object.entries(profiles).flatMap(([name, profile]) =>
    profile.examples.map(
      (example) => html`<tr><td>${name}<td>${example.where}<td>${example.reason}<td><code>${example.text}</code></tr>`,
    ),
  );
  const checks = plan.verdicts.map((verdict) => ({
    [t.checks]: verdict.name,
    ' ': verdict.outcome === 'passed' ? '✓' : t.verdict[verdict.outcome],
    [t.why]: verdict.because,
  }));
  const broken = checks.filter((check) => check[' '] !== '✓');
  return html`<h2>${t.quality}: ${plan.quality.toFixed(4)}</h2><div class="card">${table(sources)}</div>
${broken.length > 0 && html`<div class="card" style="margin-top:14px">${table(broken)}</div>`}
${examples.length > 0 && html`<h2>${t.examples}</h2><div class="card scroll"><table><tr><th>${t.source}<th>${t.where}<th>${t.why}<th>${t.row}</tr>${examples}</table></div>`}`;
}

function facts(run: string, state: RunState, language: Language): DuckRow[] {
  const t = words[language];
  const { plan, startedAt, measuredAt, steps } = state;
  const done = Object.values(steps).filter((step) => step.attempts.length > 0);
  const pairs: [string, string][] = [
    [t.run, run],
    [t.branch, plan?.choice.branch ?? '—'],
    [t.reason, plan?.reason ?? ''],
    ...done.map((step): [string, string] => [
      `${t.step} ${step.name}`,
      `${step.ended?.state ?? ''}, ${t.tries}: ${step.attempts.length}, ${step.ended?.reason ?? ''}`,
    ]),
    ...(startedAt !== undefined && measuredAt !== undefined
      ? [[t.sources, formatDuration(measuredAt - startedAt)] as [string, string]]
      : []),
  ];
  return pairs.map(([name, value]) => ({ ' ': name, '  ': value }));
}
