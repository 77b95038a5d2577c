import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { expect, test } from 'vitest';
import { explainDiskError, SluiceError } from '../../controller/lib/errors.ts';

test('a full disk is reported as such, with the path, and not as an error of the source file', async () => {
  const root = mkdtempSync(join(tmpdir(), 'sluice-full-'));
  try {
    mkdirSync(join(root, 'kept'));
    const lines = Array.from({ length: 400_000 }, (_, i) => `${i},${(i * 7919) % 1_000_003} is a note of row ${i}`);
    writeFileSync(join(root, 'a.csv'), `id,note\n${lines.join('\n')}\n`);
    const script = join(import.meta.dirname, 'profile-a-file.ts');
    const run = (limit: string) =>
      execa('bash', ['-c', `ulimit -f ${limit}; exec "$0" --import tsx "$1" "$2"`, process.execPath, script, root], {
        preferLocal: true,
      });
    expect(JSON.parse((await run('unlimited')).stdout)).toEqual({ rows: 400_000 });
    // Blocks of 1 KiB or of 512 bytes: in both cases less than the rows need.
    const full = JSON.parse((await run('2048')).stdout);
    expect(full).toMatchObject({ kind: 'rejected', message: expect.stringContaining(root) });
    expect(full.message).toMatch(/cannot be written: .*File too large/i);
  } finally {
    rmSync(root, { recursive: true });
  }
});

test('an error of the file system gets its path and a hint, any other is unchanged', () => {
  const error = (code: string, syscall: string): Error =>
    Object.assign(new Error(`${code}: no, ${syscall} '/x/y'`), { code, syscall, path: '/x/y' });
  for (const [code, syscall] of [
    ['ENOSPC', 'write'],
    ['EROFS', 'open'],
    ['EDQUOT', 'write'],
    ['EACCES', 'mkdir'],
  ] as const) {
    const told = explainDiskError(error(code, syscall));
    expect(told).toBeInstanceOf(SluiceError);
    expect(told).toMatchObject({ kind: 'rejected', message: expect.stringContaining('/x/y cannot be written') });
  }
  for (const other of [error('ENOENT', 'open'), error('EACCES', 'open'), new TypeError('x')])
    expect(explainDiskError(other)).toBe(other);
});
