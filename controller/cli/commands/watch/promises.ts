import { watchedPipelines } from '../../../app/pipelines/watched.ts';
import { builtIn } from '../../../app/registry.ts';
import { type PromiseDocument, promisesOf } from '../../../app/views/promises.ts';
import { openProject, withStore } from '../../../app/wiring.ts';
import { call } from '../../../server/client/client.ts';
import { serverAt } from '../../../server/client/reader.ts';
import { promiseCalls } from '../../../server/routes/watch/promises.ts';
import { coloured, columns, exit, type Output } from '../../view/output.ts';

/** `sluice promises`: what pipelines promise, how it stands, and how often it was kept. */
export async function promises(
  output: Output,
  { pipeline, server }: { pipeline?: string; server?: string },
): Promise<number> {
  const all = server === undefined ? await own() : (await call(serverAt(server), promiseCalls.listPromises)).items;
  const wanted = all.filter((each) => pipeline === undefined || each.pipeline === pipeline);
  if (wanted.length === 0) output.line('No promises; they are in the files of conf/pipelines/, under `promises`.');
  for (const line of columns(wanted.map(rowOf))) output.line(line);
  output.document(wanted);
  return exit.ok;
}

async function own(): Promise<PromiseDocument[]> {
  const project = await openProject();
  return withStore(project, async (store) => promisesOf(store, await watchedPipelines(project, builtIn, store)()));
}

const rowOf = ({ pipeline, promise, says, state, why, due, record }: PromiseDocument): string[] => [
  pipeline,
  promise,
  coloured(state),
  says,
  record ? `kept ${record.kept}/${record.of}` : '',
  why ?? (due === null ? '' : `due ${due.slice(0, 16).replace('T', ' ')}Z`),
];
