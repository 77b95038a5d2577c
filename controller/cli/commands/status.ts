import { openProject } from '../../app/wiring.ts';
import { stackSecretFile, stackUser } from '../../config/login.ts';
import type { Project } from '../../config/project.ts';
import { call } from '../../server/client/client.ts';
import { serverAt } from '../../server/client/reader.ts';
import { healthCalls } from '../../server/routes/health.ts';
import { status as statusOf } from '../../stack/stack.ts';
import { coloured, columns, exit, type Output } from '../view/output.ts';

/** How to log in to the web pages of the local stack. */
export const loginLine = ({ home }: Project): string =>
  `log in to the web pages as ${stackUser} with the password in ${stackSecretFile(home)}`;

const remoteServices = async (server: string) => (await call(serverAt(server), healthCalls.getServices)).items;

/** `sluice status` */
export async function status(output: Output, { server }: { server?: string }): Promise<number> {
  const project = server === undefined ? await openProject() : undefined;
  const list = project ? await statusOf(project) : await remoteServices(server as string);
  for (const line of columns(list.map((s) => [s.name, coloured(s.state), s.url, s.pid === null ? '' : `pid ${s.pid}`])))
    output.line(line);
  if (project && list.every((service) => service.state === 'down')) output.line('Start them with: sluice up');
  else if (project) output.line(loginLine(project));
  output.document(list);
  return exit.ok;
}
