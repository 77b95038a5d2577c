/** Secrets below this length cannot be redacted: they would match any text. Characters. */
const shortestSecret = 4;
const hidden = '***';
/** A response with deeper nesting is stored as text. */
const deepest = 200;

const literal = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
const html: Readonly<Record<string, string>> = { '&': 'amp', '<': 'lt', '>': 'gt', '"': 'quot', "'": '#39' };
const control: Readonly<Record<string, string>> = { '\n': 'n', '\r': 'r', '\t': 't' };
/** Nested JSON repeats the backslash of an escape. The bound keeps the search linear. */
const escaped = (name: string): string => `\\\\{1,15}${name}`;

/**
 * A pattern of all forms of a character or of several backslashes, longest first: literal, percent-encoded (once or
 * more), escaped in JSON or HTML, and as a URL parser changes them.
 */
function formsOf(token: string): string {
  const percent = [...Buffer.from(token)].map((byte) => `%(?:25){0,3}${byte.toString(16).padStart(2, '0')}`).join('');
  if (token.startsWith('\\')) return `(?:${percent}|\\\\{${token.length},${16 * token.length}}|/{${token.length}})`;
  const units = Array.from({ length: token.length }, (_, i) => token.charCodeAt(i).toString(16).padStart(4, '0'));
  const forms = [percent, units.map((unit) => escaped(`u${unit}`)).join('')];
  if (control[token]) forms.push(escaped(control[token]));
  if (token === '"' || token === '/') forms.push(escaped(token));
  if (html[token]) forms.push(`&${html[token]};`);
  const point = token.codePointAt(0) ?? 0;
  forms.push(`&#0{0,4}${point};`, `&#x0{0,4}${point.toString(16)};`);
  if (point < 256) forms.push(escaped(`x${point.toString(16).padStart(2, '0')}`));
  forms.push(literal(token));
  if (token === ' ') forms.push('\\+');
  // A URL parser removes tabs and line breaks.
  return `(?:${forms.join('|')})${control[token] ? '?' : ''}`;
}

/** Patterns of a secret in base64, at any offset in a longer text (`user:secret`). */
function base64Of(secret: string): string[] {
  const bytes = Buffer.from(secret);
  return [0, 1, 2].map((before) => {
    const encoded = Buffer.concat([Buffer.alloc(before), bytes])
      .toString('base64')
      .replace(/=+$/, '');
    // The first and the last digit may also hold bits of the neighbours.
    const own = encoded.slice(Math.ceil((before * 8) / 6), Math.floor(((before + bytes.length) * 8) / 6));
    const digits = [...own].map((digit) => (digit === '+' ? '[+-]' : digit === '/' ? '(?:\\\\?/|_)' : digit));
    return `[\\w+/-]?${digits.join('')}[\\w+/-]?={0,2}`;
  });
}

/** A secret as a host name: in lower case, in punycode. */
function hostOf(secret: string): string[] {
  if (/[/?#:@\\\s]/.test(secret) || !URL.canParse(`http://${secret}`)) return [];
  const { hostname } = new URL(`http://${secret}`);
  return hostname.length < shortestSecret ? [] : [literal(hostname)];
}

/**
 * Returns a function that removes these secrets from a text: literal, percent-encoded, as a URL parser writes them,
 * escaped in JSON or HTML, in base64, in any case and in nested JSON. Secrets of fewer than 4 characters remain.
 */
export function redactor(secrets: readonly string[]): (text: string) => string {
  const patterns = [...new Set(secrets.map((secret) => secret.trim()))]
    .filter((secret) => secret.length >= shortestSecret)
    // One secret may be part of another.
    .sort((a, b) => b.length - a.length)
    .flatMap((secret) => [
      (secret.match(/\\+|./gsu) ?? []).map(formsOf).join(''),
      ...hostOf(secret),
      ...base64Of(secret),
    ])
    .map((pattern) => new RegExp(pattern, 'gi'));
  return (text) => patterns.reduce((clean, pattern) => clean.replace(pattern, hidden), text);
}

/** A response with its strings, names and numbers redacted: parsed when it is JSON, else as text. */
export function redactedBody(text: string, redact: (text: string) => string): unknown {
  const clean = (value: unknown, depth: number): unknown => {
    if (depth > deepest) throw new RangeError('too deep');
    if (typeof value === 'string') return redact(value);
    if (typeof value === 'number') return redact(String(value)) === String(value) ? value : hidden;
    if (Array.isArray(value)) return value.map((each) => clean(each, depth + 1));
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([name, each]) => [redact(name), clean(each, depth + 1)]));
  };
  try {
    return clean(JSON.parse(text), 0);
  } catch {
    return redact(text);
  }
}
