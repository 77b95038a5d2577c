import { join } from 'node:path';
import { openProject } from '../../app/wiring.ts';
import { withLock } from '../../stack/lock.ts';
import { removeStaleScratch } from '../../stack/scratch.ts';
import { stopAll } from '../../stack/stack.ts';
import { exit, type Output } from '../view/output.ts';

/** `sluice down` */
export async function down(output: Output): Promise<number> {
  const project = await openProject();
  const ended = await withLock(project.home, output.line, async () => {
    await removeStaleScratch(join(project.home, 'tmp'));
    return stopAll(project, (name) => output.line(`${name}: stopped`));
  });
  if (ended.length === 0) output.line('Nothing is running.');
  output.document({ ended });
  return exit.ok;
}
