import { heldBack } from '../../../app/pipelines/agreement.ts';
import { watchedPipelines } from '../../../app/pipelines/watched.ts';
import { builtIn } from '../../../app/registry.ts';
import { openProject, withStore } from '../../../app/wiring.ts';
import { formatOwner } from '../../../domain/controller-id.ts';
import { coloured, columns, exit, type Output } from '../../view/output.ts';

/** `sluice pipelines`: the files of conf/pipelines/, their versions, and what the servers have of them. */
export async function pipelines(output: Output): Promise<number> {
  const project = await openProject();
  return withStore(project, async (store) => {
    const all = await watchedPipelines(project, builtIn, store)();
    const servers = await store.servers();
    const list = all.map(({ name, file, version, loaded, problem }) => ({
      pipeline: name,
      file,
      version: version || null,
      problem: problem ?? null,
      triggers: Object.keys(loaded?.pipeline.triggers ?? {}),
      servers: servers.map((server) => ({
        controller: formatOwner(server.owner),
        release: server.info.release,
        version: server.info.pipelines[name]?.version ?? null,
        problem: server.info.pipelines[name]?.problem ?? null,
        held: heldBack(name, server, servers)?.reason ?? null,
      })),
    }));
    if (list.length === 0) output.line('No files in conf/pipelines/.');
    const rows = list.map((each) => [
      each.pipeline,
      each.version ?? '—',
      coloured(each.problem === null ? 'up' : 'failed')
        .replace('up', 'valid')
        .replace('failed', 'broken'),
      each.triggers.join(', ') || 'no triggers',
      each.servers.length === 0 ? 'no server' : serversText(each.servers, each.version),
    ]);
    for (const line of columns(rows)) output.line(line);
    for (const { problem } of list) if (problem !== null) output.line(problem);
    output.document(list);
    return exit.ok;
  });
}

function serversText(
  servers: readonly { version: string | null; held: string | null }[],
  version: string | null,
): string {
  const held = servers.find((each) => each.held !== null)?.held;
  if (held) return held;
  const same = servers.filter((each) => each.version === version).length;
  return `${same} of ${servers.length} servers have this version`;
}
