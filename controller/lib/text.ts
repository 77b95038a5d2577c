/**
 * Characters that a terminal or an editor interprets: control characters, and those that change the writing direction.
 */
const invisible = /[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu;

/** Untrusted text on one line, with invisible characters escaped, such as `\u001b`. */
export const visible = (text: string): string =>
  text.replace(invisible, (character) =>
    character === '\n' ? '\\n' : `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );

/** Milliseconds since 1970 as ISO 8601; null for undefined and for an invalid date. */
export function iso(ms: number | undefined): string | null {
  const date = new Date(ms ?? Number.NaN);
  return Number.isNaN(date.getTime()) ? null : date.toISOString();
}
