import { findRun } from '../../app/resolve-run.ts';
import { runLine } from '../../app/views/lists.ts';
import type { LifeState } from '../../domain/lifecycle.ts';
import { formatDuration } from '../../lib/duration.ts';
import { withReader } from '../../server/client/reader.ts';
import { coloured, columns, exit, type Output } from '../view/output.ts';

interface RunsOptions {
  readonly pipeline?: string;
  readonly trigger?: string;
  readonly branch?: string;
  readonly state?: LifeState;
  /** A run or a prefix of its name: lists runs that started before it. */
  readonly before?: string;
  readonly limit: number;
  readonly server?: string;
}

/** `sluice runs`: the last runs, or those before a given one. */
export async function runs(
  output: Output,
  { before, state, pipeline, trigger, branch, limit, server }: RunsOptions,
): Promise<number> {
  return withReader(server, async (reader) => {
    const from = before === undefined ? undefined : await findRun(reader, before);
    const list = await reader.list({
      limit,
      ...(pipeline !== undefined && { pipeline }),
      ...(trigger !== undefined && { trigger }),
      ...(branch !== undefined && { branch }),
      ...(state && { states: [state] }),
      ...(from && { before: from.number }),
    });
    if (list.length === 0) output.line('No runs.');
    const rows = list.map((r) => [
      r.run,
      r.pipeline,
      coloured(r.state),
      r.branch || '—',
      r.ended === undefined ? '' : formatDuration(r.ended - r.started),
      (r.reason ?? '').split('\n', 1)[0]?.slice(0, 80) ?? '',
    ]);
    for (const line of columns(rows)) output.line(line);
    output.document(list.map(runLine));
    return exit.ok;
  });
}
