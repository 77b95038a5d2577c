/** Characters that a terminal or an editor acts upon rather than shows: controls, and those that turn the direction of writing. */
const invisible = /[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu;

/** A text of somebody else's on one line, with what cannot be seen in it made visible, as `\u001b`. */
export const visible = (text: string): string =>
  text.replace(invisible, (character) =>
    character === '\n' ? '\\n' : `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );

/** Milliseconds since 1970 as ISO 8601; null for no time, and for one that no calendar has. */
export function iso(ms: number | undefined): string | null {
  const date = new Date(ms ?? Number.NaN);
  return Number.isNaN(date.getTime()) ? null : date.toISOString();
}
