import { openProject } from '../../app/wiring.ts';
import { stackSecretFile, stackUser } from '../../config/login.ts';
import type { Project } from '../../config/project.ts';
import { status as statusOf } from '../../stack/stack.ts';
import { coloured, columns, exit, type Output } from '../view/output.ts';

/** How to log in to the web pages of the local stack. */
export const loginLine = ({ home }: Project): string =>
  `log in to the web pages as ${stackUser} with the password in ${stackSecretFile(home)}`;

/** `sluice status` */
export async function status(output: Output): Promise<number> {
  const project = await openProject();
  const list = await statusOf(project);
  for (const line of columns(list.map((s) => [s.name, coloured(s.state), s.url, s.pid === null ? '' : `pid ${s.pid}`])))
    output.line(line);
  if (list.every((service) => service.state === 'down')) output.line('Start them with: sluice up');
  else output.line(loginLine(project));
  output.document(list);
  return exit.ok;
}
