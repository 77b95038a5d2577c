import { status as statusOf } from '../stack/stack.ts';
import { coloured, columns, exit, type Output } from './output.ts';
import { openProject } from './wiring.ts';

/** `sluice status` */
export async function status(output: Output): Promise<number> {
  const list = await statusOf(await openProject());
  for (const line of columns(list.map((s) => [s.name, coloured(s.state), s.url, s.pid === null ? '' : `pid ${s.pid}`])))
    output.line(line);
  if (list.every((service) => service.state === 'down')) output.line('`sluice up` starts them.');
  output.document(list);
  return exit.ok;
}
