import { describe, expect, test } from 'vitest';
import { redactedBody, redactor } from '../../controller/lib/redact.ts';

const secret = `C4n "q" \\b/|é+%41#&<'`;
const redact = redactor([secret, 'Plain-S3cret', 'abc']);
const written: Record<string, (text: string) => string> = {
  raw: (text) => text,
  'percent-encoded': encodeURIComponent,
  'percent-encoded in small letters': (text) => encodeURIComponent(text).toLowerCase(),
  'in a form': (text) => String(new URLSearchParams({ text })).slice('text='.length),
  'in the query of a URL': (text) => new URL(`http://h/?t=${text.replace('#', '%23')}`).search.slice('?t='.length),
  'in the path of a URL': (text) => new URL(`http://h/${text.replace('#', '%23')}`).pathname.slice(1),
  'in JSON': (text) => JSON.stringify(text).slice(1, -1),
  'in JSON of JSON, once parsed': (text) => JSON.parse(JSON.stringify(JSON.stringify({ text }))).slice(9, -2),
  'in JSON of JSON of JSON': (text) => JSON.stringify(JSON.stringify(JSON.stringify(text))).slice(7, -7),
  'percent-encoded twice': (text) => encodeURIComponent(encodeURIComponent(text)),
  'in JSON that is ASCII': (text) => JSON.stringify(text).replace('é', '\\u00E9').replace('/', '\\/').slice(1, -1),
  'in HTML': (text) =>
    text.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;').replaceAll("'", '&#39;'),
  'in base64': (text) => Buffer.from(text).toString('base64'),
  'in base64url': (text) => Buffer.from(text).toString('base64url'),
  'in lower case, as a host': (text) => text.toLowerCase(),
};

describe('a secret is redacted', () => {
  test.each(Object.entries(written))('%s', (_how, write) => {
    expect(redact(`before ${write(secret)} after`)).toBe('before *** after');
    expect(redact(`before ${write('Plain-S3cret')} after`)).toBe('before *** after');
  });

  test.each(['', 'u:', 'user:'])('in base64 after %j, as in basic authentication', (before) => {
    const clean = redact(Buffer.from(`${before}Plain-S3cret:x`).toString('base64'));
    expect(Buffer.from(clean.replace('***', ''), 'base64').toString()).not.toMatch(/lain-S3cre/);
    expect(clean).toContain('***');
  });

  test('as a host name that is not ASCII', () => {
    expect(redactor(['Tökén'])(new URL('http://Tökén/x').href)).toBe('http://***/x');
  });

  test('in strings, names and numbers of a response, which stays JSON', () => {
    const answer = JSON.stringify({ [secret]: [secret, { n: 12345678, rows: 5 }], nested: JSON.stringify({ secret }) });
    expect(redactedBody(answer, redactor([secret, '12345678']))).toEqual({
      '***': ['***', { n: '***', rows: 5 }],
      nested: '{"secret":"***"}',
    });
    expect(redactedBody(`no JSON: ${secret}`, redact)).toBe('no JSON: ***');
  });

  test('also in a response with deep nesting, which is stored as text', () => {
    const deep = `${'['.repeat(100_000)}"Plain-S3cret"${']'.repeat(100_000)}`;
    expect(redactedBody(deep, redact)).toBe(deep.replace('Plain-S3cret', '***'));
  });
});

test('a text without secrets, and a secret of fewer than 4 characters, are unchanged', () => {
  expect(redact('abc {"rows": 5, "note": "plain"}')).toBe('abc {"rows": 5, "note": "plain"}');
});

test('a long text of backslashes does not slow the search down', () => {
  const redact = redactor(['\\\\x\\"\\']);
  const took = (length: number): number => {
    const text = '\\'.repeat(length);
    const started = performance.now();
    expect(redact(text)).toBe(text);
    return performance.now() - started;
  };
  // Four times the text takes sixteen times as long when the search is quadratic; the machine may be busy in one of them.
  const ratios = [1, 2, 3].map(() => took(1 << 16) / took(1 << 14));
  expect(Math.min(...ratios)).toBeLessThan(10);
});

test('a secret in an error page of any language is redacted', () => {
  const redact = redactor([`S3cr'et+Key"9`]);
  for (const page of [`S3cr&#x27;et+Key&quot;9`, 'S3cr&#39;et&#43;Key&#34;9', String.raw`S3cr\x27et+Key\x229`])
    expect(redact(`<p>${page}</p>`), page).toBe('<p>***</p>');
});
