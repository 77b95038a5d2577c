import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify, stripVTControlCharacters } from 'node:util';
import { expect, test, vi } from 'vitest';
import { columns, outputOf, progressLines, reportError } from '../../controller/cli/view/output.ts';
import { onTerminal, pc } from '../../controller/cli/view/style.ts';
import { rejected } from '../../controller/lib/errors.ts';

const root = join(import.meta.dirname, '..', '..');

/**
 * Runs a TypeScript program whose reader closes after this many lines. Returns its exit code and its standard error.
 */
async function headOf(lines: number, program: string, ...args: string[]): Promise<{ code: number; errors: string }> {
  const command = ['"$NODE" --import tsx', program, ...args].join(' ');
  const { stdout, stderr } = await promisify(execFile)(
    'bash',
    ['-c', `${command} | head -n ${lines} >/dev/null; echo "\${PIPESTATUS[0]}"`],
    { cwd: root, env: { ...process.env, NODE: process.execPath } },
  );
  return { code: Number(stdout), errors: stderr };
}

test('a command whose output is closed continues silently, with its own exit code', async () => {
  expect(await headOf(1, 'test/cli/reader-left.ts')).toEqual({ code: 7, errors: '' });
});

test('a short command whose output is closed before it prints ends silently', async () => {
  const { errors } = await headOf(0, 'controller/cli/main.ts', 'validate conf/pipelines/customer-report.yaml');
  expect(errors).toBe('');
});

const evil = '\u001b]0;title\u0007\u001b[31m\u001b[2K\rall fine\u009b1A\u202e';
const harmless = '\\u001b]0;title\\u0007\\u001b[31m\\u001b[2K\\u000dall fine\\u009b1A\\u202e';

test('untrusted text can neither move the cursor nor set colours; JSON is unchanged', () => {
  const written: Record<'out' | 'err', string> = { out: '', err: '' };
  const spies = (
    [
      ['out', process.stdout],
      ['err', process.stderr],
    ] as const
  ).map(([name, stream]) =>
    vi.spyOn(stream, 'write').mockImplementation((text) => {
      written[name] += text;
      return true;
    }),
  );
  outputOf(false).line(`a ${evil}\n\tb`);
  outputOf(true).document({ evil });
  reportError(rejected(evil, evil), outputOf(false));
  for (const spy of spies) spy.mockRestore();
  expect(written.out).toContain(`a ${harmless}\n\tb\n`);
  expect(written.out).toContain(JSON.stringify({ evil }, null, 2));
  expect(stripVTControlCharacters(written.err)).toBe(`error ${harmless}\nhint  ${harmless}\n`);
});

test('own styles are preserved when nested, and columns align', () => {
  const on = pc.bold('x') !== 'x';
  const styled = onTerminal(pc.dim(`a ${pc.bold(evil)} b`));
  const [dim, bold, reset] = on ? ['\u001b[2m', '\u001b[1m', '\u001b[22m'] : ['', '', ''];
  expect(styled).toBe(`${dim}a ${bold}${harmless}${reset}${dim} b${reset}`);
  expect(
    columns([
      [pc.red('ab'), 'c'],
      ['abc', 'd'],
    ]).map((row) => onTerminal(row)),
  ).toEqual([`${onTerminal(pc.red('ab'))}   c`, 'abc  d']);
});

test('progress is a few lines without a terminal, and a bar on one', () => {
  const toldOf = (isTerminal: boolean): string[] => {
    const lines: string[] = [];
    const tell = progressLines(isTerminal, (line) => lines.push(stripVTControlCharacters(line)));
    tell('preparing');
    for (let n = 1; n <= 200; n++) tell(`${n} of 200`, n / 200);
    return lines;
  };
  expect(toldOf(false)).toEqual(['preparing', '50 of 200', '100 of 200', '150 of 200', '200 of 200']);
  expect(toldOf(true)[101]).toBe(`101 of 200 ${'█'.repeat(10)}${'░'.repeat(10)}`);
});
