import { hasStore } from '../../app/open-store.ts';
import { serverDocuments } from '../../app/views/servers.ts';
import { openProject, withStore } from '../../app/wiring.ts';
import { stackSecretFile, stackUser } from '../../config/login.ts';
import type { Project } from '../../config/project.ts';
import { SluiceError } from '../../lib/errors.ts';
import { call } from '../../server/client/client.ts';
import { serverAt } from '../../server/client/reader.ts';
import { healthCalls } from '../../server/routes/health.ts';
import { status as statusOf } from '../../stack/stack.ts';
import { coloured, columns, exit, type Output } from '../view/output.ts';

/** How to log in to the web pages of the local stack. */
export const loginLine = ({ home }: Project): string =>
  `log in to the web pages as ${stackUser} with the password in ${stackSecretFile(home)}`;

const remoteServices = async (server: string) => (await call(serverAt(server), healthCalls.getServices)).items;

/** The servers of the project as services, and what each does; none while the store does not answer. */
async function serversOf(project: Project) {
  if (!hasStore(project)) return [];
  const all = await withStore(project, serverDocuments).catch((error: unknown) => {
    if (error instanceof SluiceError && error.kind !== 'rejected') return [];
    throw error;
  });
  return all
    .filter(({ services }) => services.length > 0)
    .map(({ name, services, roles, url, release, controller }) => {
      const pid = Number(controller.split('/')[2]);
      const service = { name: 'controller', state: 'up' as const, url: url ?? '', pid: Number.isNaN(pid) ? null : pid };
      const extra = [...(roles.length > 0 ? [`holds ${roles.join(', ')}`] : []), `release ${release}`];
      return { name, does: `${services.join(', ')}; ${extra.join('; ')}`, service };
    });
}

/** `sluice status` */
export async function status(output: Output, { server }: { server?: string }): Promise<number> {
  const project = server === undefined ? await openProject() : undefined;
  const services = project ? await statusOf(project) : await remoteServices(server as string);
  const servers = project ? await serversOf(project) : [];
  const list = [...services, ...servers.map(({ service }) => service)];
  for (const line of columns(list.map((s) => [s.name, coloured(s.state), s.url, s.pid === null ? '' : `pid ${s.pid}`])))
    output.line(line);
  for (const { name, does } of servers) output.line(`${name}: ${does}`);
  if (project && services.every((service) => service.state === 'down')) output.line('Start them with: sluice up');
  else if (project) output.line(loginLine(project));
  output.document(list);
  return exit.ok;
}
