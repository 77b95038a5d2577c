import { randomBytes } from 'node:crypto';
import picocolors from 'picocolors';
import { visible } from '../../lib/text.ts';

/** Stands for the escape character of a style of ours. No text from outside can hold it: each process has another. */
const mark = `\u{F0000}${randomBytes(8).toString('hex')}`;

const shown = (text: string): string =>
  text
    .split(/([\n\t]+)/)
    .map((part, i) => (i % 2 === 1 ? part : visible(part)))
    .join('');

/** A text as a terminal may have it: styled by us alone, and with every other character that moves a cursor made visible. */
export const onTerminal = (text: string): string => shown(text).replaceAll(mark, '\u001b');

const styled =
  (style: (text: string) => string) =>
  (text: string): string =>
    style(onTerminal(text)).replaceAll('\u001b', mark);

/** Styles of what is printed; they come to life in `Output`, where everything else is made harmless. */
export const pc = {
  bold: styled(picocolors.bold),
  dim: styled(picocolors.dim),
  underline: styled(picocolors.underline),
  red: styled(picocolors.red),
  green: styled(picocolors.green),
  yellow: styled(picocolors.yellow),
  cyan: styled(picocolors.cyan),
};
