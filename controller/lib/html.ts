/** HTML that is safe to insert unescaped. */
export class Html {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

/** Trusted markup, such as a chart's SVG. */
export const raw = (text: string): Html => new Html(text);

const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
const escaped = (text: string): string => text.replace(/[&<>"']/g, (c) => entities[c] ?? c);

type Part = string | number | undefined | null | false | Html | readonly Part[];

/** A template tag that escapes every value except Html. It joins lists and omits undefined, null and false. */
export const html = (strings: TemplateStringsArray, ...parts: readonly Part[]): Html =>
  new Html(strings.reduce((text, string, i) => text + rendered(parts[i - 1]) + string));

function rendered(part: Part): string {
  if (part === undefined || part === null || part === false) return '';
  if (part instanceof Html) return part.text;
  if (typeof part === 'object') return part.map(rendered).join('');
  return escaped(String(part));
}
