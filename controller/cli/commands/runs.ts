import { openProject, withStore } from '../../app/wiring.ts';
import { spoken } from '../../lib/duration.ts';
import { iso } from '../../lib/text.ts';
import { coloured, columns, exit, type Output } from '../view/output.ts';

export async function runs(output: Output, options: { pipeline?: string; limit: number }): Promise<number> {
  return withStore(await openProject(), async (store) => {
    const list = await store.list({
      limit: options.limit,
      ...(options.pipeline === undefined ? {} : { pipeline: options.pipeline }),
    });
    if (list.length === 0) output.line('No runs yet.');
    const rows = list.map((r) => [
      r.run,
      r.pipeline,
      coloured(r.state),
      r.branch || '—',
      r.ended === undefined ? '' : spoken(r.ended - r.started),
      (r.reason ?? '').split('\n', 1)[0]?.slice(0, 80) ?? '',
    ]);
    for (const line of columns(rows)) output.line(line);
    output.document(
      list.map(({ started, ended, branch, reason, ...rest }) => ({
        ...rest,
        branch: branch || null,
        reason: reason ?? null,
        started: iso(started),
        ended: iso(ended),
      })),
    );
    return exit.ok;
  });
}
