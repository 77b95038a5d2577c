import { resolveRun } from '../../../app/resolve-run.ts';
import { type Reader, withReader } from '../../../server/client/reader.ts';
import { exit, type Output } from '../../view/output.ts';

/** Prints a document about a run as JSON, with or without `--json`. */
const printer =
  (document: (reader: Reader, run: string) => Promise<unknown>) =>
  (output: Output, name: string | undefined, { server }: { server?: string }): Promise<number> =>
    withReader(server, async (reader) => {
      const { summary } = await resolveRun(reader, name);
      const found = await document(reader, summary.run);
      if (output.json) output.document(found);
      else output.line(JSON.stringify(found, null, 2));
      return exit.ok;
    });

/** `sluice lineage [RUN]`: events of OpenLineage. */
export const lineage = printer((reader, run) => reader.lineage(run));

/** `sluice trace [RUN]`: a body for /v1/traces of OTLP. */
export const trace = printer((reader, run) => reader.trace(run));
