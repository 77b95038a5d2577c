import type { RunEnd } from '../domain/events.ts';
import type { Message } from '../domain/ports/notifier.ts';
import { type Html, html } from '../lib/html.ts';
import { asText, type Block, type Notice } from './notice.ts';

/** A mail; its id is the Message-ID header. */
export interface Mail extends Message {
  readonly from: string;
  readonly subject: string;
  readonly text: string;
  readonly html: string;
}

/** A notice as a mail: text and HTML show the same. */
export const mailOf = (notice: Notice, from: string): Pick<Mail, 'from' | 'subject' | 'text' | 'html'> => ({
  ...{ from, subject: notice.title, text: `${notice.blocks.map(asText).join('\n\n')}\n`, html: page(notice) },
});

const colours: Readonly<Record<RunEnd | Notice['severity'], string>> = {
  succeeded: '#1a7f4b',
  degraded: '#a86400',
  failed: '#b3261e',
  skipped: '#5b6772',
  cancelled: '#5b6772',
  critical: '#b3261e',
  error: '#b3261e',
  warning: '#a86400',
  info: '#1a7f4b',
};
const colourOf = ({ event, severity }: Notice): string => colours[event as RunEnd] ?? colours[severity];
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

const page = (notice: Notice): string =>
  html`<!doctype html><html><head><meta charset="utf-8"><title>${notice.title}</title></head><body style="margin:0;background:#eef1f4;font:15px/1.5 -apple-system,'Segoe UI',Roboto,'DejaVu Sans',sans-serif;color:#1c2733"><div style="max-width:760px;margin:0 auto;padding:24px 12px"><div style="background:#fff;border-top:5px solid ${colourOf(notice)};border-radius:6px;padding:20px 28px 28px"><h2 style="margin:0 0 8px">${notice.title}</h2>${notice.blocks.map(asHtml)}</div></div></body></html>`
    .text;
