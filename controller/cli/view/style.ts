import { randomBytes } from 'node:crypto';
import { createColors } from 'picocolors';
import { visible } from '../../lib/text.ts';

const { env, stdout } = process;
/** Only a terminal gets colours. The library would also colour what a CI server or a file gets. */
const colors = createColors(
  !env.NO_COLOR && (Boolean(env.FORCE_COLOR) || (stdout.isTTY === true && env.TERM !== 'dumb')),
);

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
  bold: styled(colors.bold),
  dim: styled(colors.dim),
  underline: styled(colors.underline),
  red: styled(colors.red),
  green: styled(colors.green),
  yellow: styled(colors.yellow),
  cyan: styled(colors.cyan),
};
