import { bringDown } from '../stack/stack.ts';
import { exit, type Output } from './output.ts';
import { openProject } from './wiring.ts';

/** `sluice down` */
export async function down(output: Output): Promise<number> {
  const ended = await bringDown(await openProject(), (name) => output.line(`${name}: ended`));
  if (ended.length === 0) output.line('Nothing of ours is running.');
  output.document({ ended });
  return exit.ok;
}
