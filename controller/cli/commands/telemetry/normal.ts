import { resolveRun } from '../../../app/resolve-run.ts';
import { withReader } from '../../../server/client/reader.ts';
import { exit, type Output } from '../../view/output.ts';
import { pc } from '../../view/style.ts';

const paint = { normal: pc.green, unusual: pc.red, unknown: pc.dim } as const;

/** `sluice normal [RUN]`: a run compared with the runs before it. */
export function normal(output: Output, name: string | undefined, { server }: { server?: string }): Promise<number> {
  return withReader(server, async (reader) => {
    const { summary } = await resolveRun(reader, name);
    const document = await reader.compared(summary.run);
    for (const { verdict, says } of document.compared) output.line(`${paint[verdict](verdict.padEnd(8))} ${says}`);
    if (document.compared.length === 0) output.line(`run ${summary.run} has measured nothing`);
    output.document(document);
    return exit.ok;
  });
}
