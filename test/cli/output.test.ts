import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '..', '..');

/** Runs a TypeScript program whose reader leaves after so many lines; its exit code, and what it said to standard error. */
async function headOf(lines: number, program: string, ...args: string[]): Promise<{ code: number; errors: string }> {
  const command = ['"$NODE" --import tsx', program, ...args].join(' ');
  const { stdout, stderr } = await promisify(execFile)(
    'bash',
    ['-c', `${command} | head -n ${lines} >/dev/null; echo "\${PIPESTATUS[0]}"`],
    { cwd: root, env: { ...process.env, NODE: process.execPath } },
  );
  return { code: Number(stdout), errors: stderr };
}

test('a command whose reader leaves goes on without a word, and keeps its exit code', async () => {
  expect(await headOf(1, 'test/cli/reader-left.ts')).toEqual({ code: 7, errors: '' });
});

test('a short command whose reader is gone before it says anything ends quietly', async () => {
  const { errors } = await headOf(0, 'controller/cli/main.ts', 'validate conf/pipelines/customer-report.yaml');
  expect(errors).toBe('');
});
