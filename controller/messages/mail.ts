import { createHash } from 'node:crypto';
import type { RunEnd } from '../domain/events.ts';
import { outputsOf } from '../domain/outcome.ts';
import { inLanguage } from '../domain/pipeline.ts';
import type { Message } from '../domain/ports/notifier.ts';
import { multipliedJoins } from '../domain/result.ts';
import type { RunState } from '../domain/state.ts';
import { formatDuration } from '../lib/duration.ts';
import { type Html, html } from '../lib/html.ts';
import { visible } from '../lib/text.ts';
import { type Language, type Words, words } from './words.ts';

/** A mail; its id is the Message-ID header. */
export interface Mail extends Message {
  readonly from: string;
  readonly subject: string;
  readonly text: string;
  readonly html: string;
}

export interface MailOptions {
  readonly from: string;
  readonly language: Language;
}

/** One message for each address that subscribes to this end of the run. Every call gives the same Message-IDs. */
export function mailsOf(run: string, state: RunState, options: MailOptions): Mail[] {
  const { pipeline, ended } = state;
  if (!pipeline || !ended) return [];
  return pipeline.notify
    .filter(({ email, on }) => email !== undefined && on.includes(ended.state))
    .map((entry) => {
      const to = String(entry.email);
      const language = entry.language ?? options.language;
      const t = words[language];
      const blocks = contentOf(run, state, language);
      const id = createHash('sha256').update(`${run}\n${ended.state}\n${to}`).digest('hex').slice(0, 32);
      return {
        id: `<${id}@sluice>`,
        run,
        event: ended.state,
        to,
        from: options.from,
        subject: t.subject[ended.state](pipeline.name),
        text: `${blocks.map(asText).join('\n\n')}\n`,
        html: page(t.subject[ended.state](pipeline.name), ended.state, blocks),
      };
    });
}

/** The blocks of a mail; text and HTML show the same. */
type Block =
  | { readonly kind: 'lead'; readonly text: string }
  | { readonly kind: 'facts'; readonly title?: string; readonly rows: readonly (readonly [string, string])[] }
  | {
      readonly kind: 'table';
      readonly title: string;
      readonly head: readonly string[];
      readonly rows: readonly (readonly string[])[];
    }
  | { readonly kind: 'log'; readonly title: string; readonly lines: readonly string[] }
  | { readonly kind: 'link'; readonly title: string; readonly url: string };

const n = (value: number): string => value.toLocaleString('en').replaceAll(',', '\u00a0');

function contentOf(run: string, state: RunState, language: Language): Block[] {
  const t = words[language];
  const { pipeline, plan, profiles, ended, startedAt, report } = state;
  if (!ended) return [];
  const blocks: Block[] = [{ kind: 'lead', text: t.lead[ended.state] }];
  const branch = pipeline?.branches.find((each) => each.name === plan?.choice.branch);
  if (branch?.says !== undefined) blocks.push({ kind: 'lead', text: inLanguage(branch.says, language) });
  const figures = report?.figures ?? [];
  if (figures.length > 0)
    blocks.push({ kind: 'facts', title: t.figures, rows: figures.map(({ name, value }) => [name, value]) });
  if (report?.url !== undefined) blocks.push({ kind: 'link', title: t.report, url: report.url });
  if (report?.problem !== undefined) blocks.push({ kind: 'lead', text: `${t.reportProblem}: ${report.problem}` });
  blocks.push(...failures(run, state, t));
  blocks.push({
    kind: 'facts',
    rows: [
      [t.run, run],
      [t.branch, plan?.choice.branch ?? '—'],
      [t.reason, ended.reason],
      [t.took, formatDuration(ended.at - (startedAt ?? ended.at))],
      ...(plan ? [[t.quality, plan.quality.toFixed(4)] as const] : []),
    ],
  });
  const outputs = outputsOf(state);
  const published = outputs.map((o) => [o.view, n(o.rows), o.where]);
  blocks.push(...tableOf(t.outputs, ['', t.rows, ''], published));
  const broken = (plan?.verdicts ?? []).flatMap((verdict) =>
    verdict.outcome === 'passed' ? [] : [[verdict.name, verdict.because, t.verdict[verdict.outcome]]],
  );
  blocks.push(...tableOf(t.checks, ['', '', ''], broken));
  const joins = Object.values(state.steps)
    .flatMap(({ attempts }) => multipliedJoins(attempts.at(-1)?.result))
    .map((join) => [join.view, join.on ?? '—', `${n(join.left)} × ${n(join.right)} → ${n(join.rows)}`]);
  blocks.push(...tableOf(t.joins, ['', '', t.rows], joins));
  if (profiles) {
    const rows = Object.entries(profiles).map(([name, { measures: m }]) => [
      name,
      n(m.rows),
      n(m.valid),
      n(m.invalid),
      Object.entries(m.invalidByReason)
        .map(([reason, count]) => `${reason} ${n(count)}`)
        .join(', '),
    ]);
    blocks.push({
      kind: 'table',
      title: t.sources,
      head: [t.source, t.read, t.valid, t.quarantined, t.why],
      rows,
    });
  }
  return blocks;
}

/** A table, or nothing when it has no rows. */
const tableOf = (title: string, head: readonly string[], rows: readonly (readonly string[])[]): Block[] =>
  rows.length === 0 ? [] : [{ kind: 'table', title, head, rows }];

/** The failed steps, including those that a fallback replaced: failure kind, log lines, attempts, next steps. */
function failures(run: string, state: RunState, t: Words): Block[] {
  const broken = Object.values(state.steps).filter(
    (step) => step.ended?.state === 'failed' || step.ended?.state === 'degraded',
  );
  const blocks = broken.flatMap<Block>((step) => {
    const last = step.attempts.at(-1);
    const kind = last?.failure?.kind;
    const rows: (readonly [string, string])[] = [[t.step, step.name]];
    if (kind) rows.push([t.failure, `${t.kinds[kind]} (${kind})`]);
    rows.push([t.tries, String(step.attempts.length)], [t.reason, step.ended?.reason ?? '']);
    const lines = last?.failure?.lines ?? [];
    return [{ kind: 'facts', rows }, ...(lines.length > 0 ? [{ kind: 'log' as const, title: t.log, lines }] : [])];
  });
  if (state.ended?.state !== 'failed') return blocks;
  const untouched: Block[] = outputsOf(state).length === 0 ? [{ kind: 'lead', text: t.untouched }] : [];
  return [
    ...blocks,
    ...untouched,
    { kind: 'log', title: t.further, lines: [`sluice show ${run}`, `sluice logs ${run}`] },
  ];
}

/** Untrusted text as one plain line. */
const oneLine = (text: string): string => visible(text.replace(/\s*[\r\n]+\s*/g, ' '));

function asText(block: Block): string {
  return linesOf(block).map(oneLine).join('\n');
}

function linesOf(block: Block): string[] {
  switch (block.kind) {
    case 'lead':
      return [block.text];
    case 'link':
      return [`${block.title}: ${block.url}`];
    case 'log':
      return [`${block.title}:`, ...block.lines.map((line) => `  ${line}`)];
    case 'facts':
      return [
        ...(block.title === undefined ? [] : [`${block.title}:`]),
        ...block.rows.map(([name, value]) => `${name}: ${value}`),
      ];
    case 'table':
      return [`${block.title}:`, ...block.rows.map((row) => `  ${row.filter((cell) => cell !== '').join(' · ')}`)];
  }
}

const colour: Record<RunEnd, string> = {
  succeeded: '#1a7f4b',
  degraded: '#a86400',
  failed: '#b3261e',
  skipped: '#5b6772',
  cancelled: '#5b6772',
};
const cell = 'padding:4px 16px 4px 0;border-bottom:1px solid #e6eaef;text-align:left;vertical-align:top';

function asHtml(block: Block): Html {
  switch (block.kind) {
    case 'lead':
      return html`<p style="font-size:16px">${block.text}</p>`;
    case 'link':
      return html`<p><a href="${block.url}" style="display:inline-block;background:#0b63ce;color:#fff;padding:10px 18px;border-radius:6px;text-decoration:none">${block.title}</a></p>`;
    case 'log':
      return html`<h3 style="margin:24px 0 6px">${block.title}</h3><pre style="background:#f4f6f8;padding:12px;border-radius:6px;white-space:pre-wrap;font-size:13px">${block.lines.join('\n')}</pre>`;
    case 'facts':
      return html`${block.title && html`<h3 style="margin:24px 0 6px">${block.title}</h3>`}<table style="border-collapse:collapse">${block.rows.map(([name, value]) => html`<tr><td style="${cell};color:#5b6772">${name}</td><td style="${cell}">${value}</td></tr>`)}</table>`;
    case 'table':
      return html`<h3 style="margin:24px 0 6px">${block.title}</h3><table style="border-collapse:collapse;font-size:14px"><tr>${block.head.map((name) => html`<th style="${cell};color:#5b6772;font-weight:500">${name}</th>`)}</tr>${block.rows.map((row) => html`<tr>${row.map((value) => html`<td style="${cell}">${value}</td>`)}</tr>`)}</table>`;
  }
}

const page = (title: string, state: RunEnd, blocks: readonly Block[]): string =>
  html`<!doctype html><html><head><meta charset="utf-8"><title>${title}</title></head><body style="margin:0;background:#eef1f4;font:15px/1.5 -apple-system,'Segoe UI',Roboto,'DejaVu Sans',sans-serif;color:#1c2733"><div style="max-width:760px;margin:0 auto;padding:24px 12px"><div style="background:#fff;border-top:5px solid ${colour[state]};border-radius:6px;padding:20px 28px 28px"><h2 style="margin:0 0 8px">${title}</h2>${blocks.map(asHtml)}</div></div></body></html>`
    .text;
