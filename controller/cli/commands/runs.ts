import { findRun } from '../../app/resolve-run.ts';
import { openProject, withStore } from '../../app/wiring.ts';
import type { LifeState } from '../../domain/lifecycle.ts';
import { formatDuration } from '../../lib/duration.ts';
import { iso } from '../../lib/text.ts';
import { coloured, columns, exit, type Output } from '../view/output.ts';

interface RunsOptions {
  readonly pipeline?: string;
  readonly state?: LifeState;
  /** A run or a prefix of its name: lists runs that started before it. */
  readonly before?: string;
  readonly limit: number;
}

/** `sluice runs`: the last runs, or those before a given one. */
export async function runs(output: Output, { before, ...filter }: RunsOptions): Promise<number> {
  return withStore(await openProject(), async (store) => {
    const from = before === undefined ? undefined : await findRun(store, before);
    const list = await store.list({ ...filter, ...(from && { before: from.number }) });
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
    output.document(
      list.map(({ started, ended, branch, reason, quality, rows: published, ...rest }) => ({
        ...rest,
        quality: quality ?? null,
        rows: published ?? null,
        branch: branch || null,
        reason: reason ?? null,
        started: iso(started),
        ended: iso(ended),
      })),
    );
    return exit.ok;
  });
}
