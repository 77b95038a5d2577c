import { randomBytes } from 'node:crypto';
import picocolors from 'picocolors';
import { visible } from '../../lib/text.ts';

/** Marks the escape character of Sluice's own styles. External text cannot contain it: each process has another. */
const mark = `\u{F0000}${randomBytes(8).toString('hex')}`;

const shown = (text: string): string =>
  text
    .split(/([\n\t]+)/)
    .map((part, i) => (i % 2 === 1 ? part : visible(part)))
    .join('');

/** A text for a terminal: only Sluice's own styles remain, and every other control character is made visible. */
export const onTerminal = (text: string): string => shown(text).replaceAll(mark, '\u001b');

const styled =
  (style: (text: string) => string) =>
  (text: string): string =>
    style(onTerminal(text)).replaceAll('\u001b', mark);

/** Styles of printed text. `Output` turns them into escape sequences, and makes all others harmless. */
export const pc = {
  bold: styled(picocolors.bold),
  dim: styled(picocolors.dim),
  underline: styled(picocolors.underline),
  red: styled(picocolors.red),
  green: styled(picocolors.green),
  yellow: styled(picocolors.yellow),
  cyan: styled(picocolors.cyan),
};
