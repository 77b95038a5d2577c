import { randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Project } from '../../config/project.ts';
import { unwritable } from '../../lib/errors.ts';
import { isSealed, type SavedPlan, sealOf } from '../../planning/saved.ts';

/** The key of the project's seals; created with the first plan, readable by its owner alone. */
async function keyOf({ home }: Project): Promise<string> {
  const file = join(home, 'secrets', 'plans');
  try {
    await mkdir(dirname(file), { recursive: true, mode: 0o700 });
    await writeFile(file, randomBytes(32).toString('base64url'), { mode: 0o600, flag: 'wx' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw unwritable(file, error);
  }
  return readFile(file, 'utf8');
}

/** The plan with a seal that only this project can make. */
export const seal = async (project: Project, plan: SavedPlan): Promise<SavedPlan> => ({
  ...plan,
  seal: sealOf(plan, await keyOf(project)),
});

/** Whether this project saved the plan unchanged. */
export const isOwn = async (project: Project, plan: SavedPlan): Promise<boolean> =>
  isSealed(plan, await keyOf(project));
