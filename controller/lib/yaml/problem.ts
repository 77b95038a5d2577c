import { SluiceError } from '../errors.ts';
import { visible } from '../text.ts';
import type { Position } from './positions.ts';

/** A problem of a file: its position, its key, and the fix. */
export interface Problem extends Position {
  readonly key: string;
  readonly message: string;
}

/** More problems than these are not useful. */
export const mostProblems = 50;

/**
 * A YAML file that cannot be used. The message lists the first problems, one a line: `file:line:column key: message`.
 */
export class FileProblems extends SluiceError {
  override readonly name = 'FileProblems';
  readonly file: string;
  readonly problems: readonly Problem[];

  constructor(file: string, problems: readonly Problem[]) {
    const lines = problems.map((p) =>
      visible(`${file}:${p.line}:${p.column}${p.key === '' ? '' : ` ${p.key}`}: ${p.message}`),
    );
    super(lines.slice(0, mostProblems).join('\n'), { kind: 'rejected' });
    this.file = file;
    this.problems = problems;
  }
}

/** `["steps", "marts", "needs", 0]` as `steps.marts.needs[0]`. */
export const keyPath = (path: readonly PropertyKey[]): string =>
  path.reduce<string>(
    (text, part) =>
      typeof part === 'number' ? `${text}[${part}]` : text === '' ? String(part) : `${text}.${String(part)}`,
    '',
  );
