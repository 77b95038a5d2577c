import { auditLine } from '../../../app/views/lists.ts';
import { openProject, withStore } from '../../../app/wiring.ts';
import { iso } from '../../../lib/text.ts';
import { columns, exit, type Output } from '../../view/output.ts';

/** `sluice audit`: who changed what through the API, and which logins were refused; the newest first. */
export async function audit(output: Output, { limit, before }: { limit: number; before?: number }): Promise<number> {
  return withStore(await openProject(), async (store) => {
    const entries = await store.audit({ limit, ...(before !== undefined && { before }) });
    if (entries.length === 0) output.line('No entries.');
    const rows = entries.map((each) => [
      String(each.number),
      iso(each.at)?.slice(0, 19).replace('T', ' ') ?? '',
      each.by,
      each.address ?? '',
      each.action,
      each.target ?? '',
      String(each.status),
      each.detail ?? '',
    ]);
    for (const line of columns(rows, [0])) output.line(line);
    output.document(entries.map(auditLine));
    return exit.ok;
  });
}
