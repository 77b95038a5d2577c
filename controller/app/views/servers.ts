import { formatOwner } from '../../domain/controller-id.ts';
import type { RunStore } from '../../domain/ports/store.ts';

/** The active controllers: servers and commands, with what they run. */
export async function serverDocuments(store: Pick<RunStore, 'controllers' | 'servers' | 'roles'>) {
  const [controllers, servers, roles] = await Promise.all([store.controllers(), store.servers(), store.roles()]);
  return controllers.map((controller) => {
    const info = servers.find(({ owner }) => owner === controller)?.info;
    return {
      controller,
      name: formatOwner(controller),
      release: info?.release ?? null,
      tzdata: info?.tzdata ?? null,
      services: info?.services ?? [],
      roles: roles.filter(({ owner }) => owner === controller).map(({ role }) => role),
      url: info?.url ?? null,
    };
  });
}
