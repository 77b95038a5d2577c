import { stripVTControlCharacters } from 'node:util';
import logUpdate from 'log-update';
import { type ErrorKind, explainDiskError, reasonOf, SluiceError } from '../../lib/errors.ts';
import { onTerminal, pc } from './style.ts';

/** The exit codes; they are a contract. */
export const exit = { ok: 0, failed: 1, wrong: 2, unreachable: 3, interrupted: 130 } as const;

/**
 * The output of commands. With `--json`, standard output has only the document, and text for people goes to standard
 * error.
 */
export interface Output {
  readonly json: boolean;
  line(text?: string): void;
  /** A line that the next one replaces; only on a terminal. */
  live(text: string): void;
  readonly isTerminal: boolean;
  document(value: unknown): void;
}

/** Whether the reader of standard output has closed it, as in `sluice runs | head`. */
export let readerLeft = false;

/** From now on, a closed standard output does not end the process; further output is dropped. */
export function outliveReaders(): void {
  for (const stream of [process.stdout, process.stderr])
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
      readerLeft = true;
    });
}

export function outputOf(json: boolean): Output {
  const stream = json ? process.stderr : process.stdout;
  const isTerminal = stream.isTTY === true && !json;
  return {
    json,
    isTerminal,
    line(text = '') {
      if (isTerminal) logUpdate.clear();
      stream.write(`${onTerminal(text)}\n`);
    },
    live(text) {
      if (isTerminal) logUpdate(onTerminal(text.replaceAll('\n', ' ')));
    },
    document(value) {
      if (isTerminal) logUpdate.clear();
      if (json) process.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
    },
  };
}

export const exitCodeOf = (kind: ErrorKind): number => (kind === 'rejected' ? exit.wrong : exit.unreachable);

/** Prints an error without a stack trace, and returns the exit code. */
export function reportError(thrown: unknown, output: Output): number {
  const error = explainDiskError(thrown);
  const known = error instanceof SluiceError;
  const message = known ? error.message : `unexpected: ${reasonOf(error)}`;
  const hint = known ? error.hint : 'this is a bug; run again with SLUICE_DEBUG=1 for a stack trace';
  const lines = `${pc.red('error')} ${message}\n${hint === undefined ? '' : `${pc.cyan('hint')}  ${hint}\n`}`;
  process.stderr.write(onTerminal(lines));
  output.document({
    error: { kind: known ? error.kind : 'unexpected', message, ...(hint === undefined ? {} : { hint }) },
  });
  return known ? exitCodeOf(error.kind) : exit.failed;
}

/** Aligns the columns of rows, those in `right` to the right. The first row is treated like any other. */
export function columns(rows: readonly (readonly string[])[], right: readonly number[] = []): string[] {
  const widths = (rows[0] ?? []).map((_, i) => Math.max(...rows.map((row) => width(row[i] ?? ''))));
  return rows.map((row) =>
    row
      .map((cell, i) => {
        const gap = ' '.repeat(Math.max(0, (widths[i] ?? 0) - width(cell)));
        return right.includes(i) ? gap + cell : cell + gap;
      })
      .join('  ')
      .trimEnd(),
  );
}

const width = (text: string): number => stripVTControlCharacters(onTerminal(text)).length;

export const number = (n: number): string => n.toLocaleString('en').replaceAll(',', ' ');

const colours: Record<string, (text: string) => string> = {
  succeeded: pc.green,
  up: pc.green,
  elsewhere: pc.green,
  passed: pc.green,
  degraded: pc.yellow,
  quarantine: pc.yellow,
  warn: pc.yellow,
  unhealthy: pc.yellow,
  failed: pc.red,
  fail: pc.red,
  taken: pc.red,
  running: pc.cyan,
  active: pc.green,
  started: pc.green,
  joined: pc.green,
  paused: pc.yellow,
  held: pc.yellow,
  owed: pc.yellow,
  missed: pc.red,
  refused: pc.red,
  failing: pc.red,
  gone: pc.dim,
};
/** A state in its colour, if colours are enabled. */
export const coloured = (state: string): string => (colours[state] ?? pc.dim)(state);

/** A bar filled by a share from 0 to 1. */
export const bar = (share: number): string => '█'.repeat(Math.round(share * 20)).padEnd(20, '░');

/** Prints the progress of slow work: on a terminal every line, with a bar; elsewhere one line for each quarter. */
export function progressLines(
  isTerminal: boolean,
  line: (text: string) => void,
): (text: string, share?: number) => void {
  let quarter = 0;
  return (text, share) => {
    if (share === undefined) return line(text);
    if (isTerminal) return line(`${text} ${pc.cyan(bar(share))}`);
    const now = Math.floor(share * 4);
    if (now > quarter) line(text);
    quarter = now;
  };
}
