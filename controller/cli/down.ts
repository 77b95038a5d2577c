import { rm } from 'node:fs/promises';
import { bringDown } from '../stack/stack.ts';
import { exit, type Output } from './output.ts';
import { openProject, scratchOf } from './wiring.ts';

/** `sluice down` */
export async function down(output: Output): Promise<number> {
  const project = await openProject();
  const ended = await bringDown(project, (name) => output.line(`${name}: ended`));
  await rm(scratchOf(project), { recursive: true, force: true });
  if (ended.length === 0) output.line('Nothing of ours is running.');
  output.document({ ended });
  return exit.ok;
}
