import { existsSync } from 'node:fs';
import { z } from 'zod';
import { resolveRun } from '../../../app/resolve-run.ts';
import { runDocument } from '../../../app/views/run.ts';
import { rejected } from '../../../lib/errors.ts';
import { readYaml } from '../../../lib/yaml/yaml-file.ts';
import { call, statusOf } from '../../../server/client/client.ts';
import { serverAt, withReader } from '../../../server/client/reader.ts';
import { actionCalls } from '../../../server/routes/actions.ts';
import { startCalls } from '../../../server/routes/starts.ts';
import { reportIfFinished } from '../../view/finished.ts';
import { exit, type Output } from '../../view/output.ts';

/** How long a server is asked to wait at a time. Seconds. */
const waitSeconds = 25;

interface StartOptions {
  readonly detach?: boolean;
  readonly fullRefresh?: boolean;
  readonly from?: Date;
  readonly idempotencyKey?: string;
  readonly plan?: string;
}

/** The name of the pipeline in a file, which the server knows by that name; or the argument as a name. */
async function pipelineOf(fileOrName: string): Promise<string> {
  if (!existsSync(fileOrName)) return fileOrName;
  return (await readYaml(fileOrName, z.looseObject({ name: z.string() }))).value.name;
}

/** `sluice run FILE --detach --server URL`: the server starts its own version of the pipeline. */
export async function startRemotely(
  output: Output,
  server: string,
  file: string,
  { detach, fullRefresh, from, idempotencyKey: key, plan }: StartOptions,
): Promise<number> {
  if (!detach || plan !== undefined)
    throw rejected(
      `a run on ${server} is ${detach ? 'not started from a saved plan' : 'executed by its controllers'}`,
      detach ? 'leave out --plan' : 'add --detach, and follow it: sluice logs --follow --server URL',
    );
  const body = {
    pipeline: await pipelineOf(file),
    ...(fullRefresh && { fullRefresh }),
    ...(from && { from: from.toISOString() }),
  };
  const headers = key === undefined ? {} : { 'idempotency-key': JSON.stringify(key) };
  const { run } = await call(serverAt(server), startCalls.startRun, { body, headers });
  return withReader(server, async (reader) => {
    const summary = await reader.find(run);
    if (summary?.ended !== undefined) output.line(`run ${run} has the key, and has ended: ${summary.state}`);
    else output.line(`run ${run} is queued; a controller (\`sluice serve\`) will execute it`);
    if (summary) output.document(await runDocument(reader, summary));
    return exit.ok;
  });
}

/** `sluice cancel RUN --server URL` */
export async function cancelRemotely(output: Output, server: string, name: string, timeoutMs: number): Promise<number> {
  return withReader(server, async (reader) => {
    const { summary, state } = await resolveRun(reader, name);
    const { run } = summary;
    if (reportIfFinished(output, run, state)) return exit.ok;
    const until = performance.now() + timeoutMs;
    let now = '';
    for (let isOpen = true; isOpen && performance.now() < until; isOpen = now === 'cancelling')
      try {
        const headers = { prefer: `wait=${waitSeconds}` };
        now = (await call(serverAt(server), actionCalls.cancelRun, { params: { run }, headers })).state;
      } catch (error) {
        // It has ended meanwhile.
        if (statusOf(error) !== 409) throw error;
        now = (await reader.find(run))?.state ?? '';
      }
    const done = now !== 'cancelling';
    output.line(
      done ? `run ${run}: ${now}` : `the controller of ${run} has not acted yet; the cancellation is recorded`,
    );
    output.document({ run, state: now });
    return done ? exit.ok : exit.failed;
  });
}

/** `sluice resume RUN --server URL`: a controller of the server takes the run over; the command does not wait for it. */
export async function resumeRemotely(output: Output, server: string, name: string): Promise<number> {
  return withReader(server, async (reader) => {
    const { summary, state } = await resolveRun(reader, name);
    const { run } = summary;
    if (reportIfFinished(output, run, state)) return exit.ok;
    await call(serverAt(server), actionCalls.resumeRun, { params: { run } });
    output.line(`run ${run} is free; a controller (\`sluice serve\`) will resume it`);
    const found = await reader.find(run);
    if (found) output.document(await runDocument(reader, found, state));
    return exit.ok;
  });
}
