import { createHash } from 'node:crypto';

interface Operation {
  readonly summary: string;
  readonly description?: string;
  readonly parameters: readonly {
    readonly name: string;
    readonly in: string;
    readonly required: boolean;
    readonly description?: string;
  }[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly example?: unknown }>> };
  readonly responses: Readonly<
    Record<
      string,
      { readonly $ref?: string; readonly content?: Readonly<Record<string, { readonly example?: unknown }>> }
    >
  >;
}

const style = `body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color-scheme:light dark}
code,pre{font:14px/1.4 ui-monospace,monospace}pre{overflow:auto;padding:.7rem;border:1px solid #8886;border-radius:4px}
h2{margin:2.5rem 0 0;font-size:1.05rem}th,td{text-align:left;padding:.15rem 1rem .15rem 0;vertical-align:top}
nav li{list-style:none}nav ul{padding:0}`;

/** The page has no script and loads nothing: only its own style is allowed. */
export const docsPolicy = `default-src 'none'; style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'`;

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
const prose = (text: string): string => escaped(text).replace(/`([^`]+)`/g, '<code>$1</code>');
const example = (title: string, value: unknown): string =>
  value === undefined ? '' : `<p>${title}</p><pre>${escaped(JSON.stringify(value, null, 2))}</pre>`;

function section(method: string, path: string, of: Operation): string {
  const rows = of.parameters.map(
    (each) =>
      `<tr><td><code>${escaped(each.name)}</code></td><td>${each.in}${each.required ? ', required' : ''}</td><td>${prose(each.description ?? '')}</td></tr>`,
  );
  const [body] = Object.values(of.requestBody?.content ?? {});
  const [answer] = Object.values(of.responses).flatMap(({ content }) => Object.values(content ?? {}));
  const problems = Object.entries(of.responses).flatMap(([status, { $ref }]) => ($ref === undefined ? [] : [status]));
  return `<section><h2 id="${idOf(method, path)}"><code>${method.toUpperCase()} ${escaped(path)}</code></h2>
<p>${prose(of.summary)}.${of.description === undefined ? ' No token.' : ` ${prose(of.description)}.`}</p>
${rows.length > 0 ? `<table><tbody>${rows.join('')}</tbody></table>` : ''}${example('Request', body?.example)}${example('Answer', answer?.example)}
<p>Problems: ${problems.join(', ')}</p></section>`;
}

const idOf = (method: string, path: string): string => escaped(`${method}-${path.replace(/[^a-zA-Z0-9]+/g, '-')}`);

/** An OpenAPI document as a page. */
export function docsPage(document: Readonly<Record<string, unknown>>): string {
  const { title, version, description } = document.info as Readonly<Record<string, string>>;
  const paths = document.paths as Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  const all = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, of]) => ({ method, path, of })),
  );
  const links = all.map(
    ({ method, path }) =>
      `<li><a href="#${idOf(method, path)}"><code>${method.toUpperCase()} ${escaped(path)}</code></a></li>`,
  );
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${escaped(`${title} ${version}`)} API</title><style>${style}</style></head><body>
<h1>${escaped(`${title} ${version}`)} API</h1><p>${prose(description ?? '')}</p>
<p>The document that this page is made from is <a href="/api/v1/openapi.json">openapi.json</a>.</p>
<nav><ul>${links.join('')}</ul></nav><main>${all.map(({ method, path, of }) => section(method, path, of)).join('')}</main></body></html>
`;
}
