import { byCommand } from '../../../app/new-run.ts';
import type { FireRequest } from '../../../app/triggers/fire.ts';
import { rejected } from '../../../lib/errors.ts';
import { coloured, columns, exit, type Output } from '../../view/output.ts';
import { shownTime, withTriggers } from './with-triggers.ts';

interface FireOptions {
  readonly at?: Date;
  readonly from?: Date;
  readonly to?: Date;
  readonly only?: FireRequest['only'];
  readonly dryRun?: boolean;
  readonly with?: readonly string[];
  readonly server?: string;
}

/** `sluice fire PIPELINE TRIGGER`: now, for an instant, or for the instants of a range. */
export async function fire(output: Output, pipeline: string, trigger: string, options: FireOptions): Promise<number> {
  const request = requestOf(options);
  return withTriggers(options.server, async (triggers) => {
    const fired = await triggers.fire(pipeline, trigger, request);
    const { items, dryRun } = fired;
    const rows = items.map((each) => [
      shownTime(each.due),
      dryRun ? each.action : coloured(each.outcome ?? each.action),
      each.key.slice(0, 60),
      each.run ?? '',
      each.reason,
    ]);
    for (const line of columns(rows)) output.line(line);
    const starting = items.filter(({ action }) => action === 'start');
    const started = starting.filter(({ outcome }) => dryRun || outcome === 'started' || outcome === 'joined');
    output.line(`${started.length} of ${items.length} ${dryRun ? 'would start' : 'started'}`);
    output.document(fired);
    return started.length < starting.length ? exit.failed : exit.ok;
  });
}

function requestOf({ at, from, to, only, dryRun, with: values }: FireOptions): FireRequest {
  if (at && (from || to)) throw rejected('--at names one instant, and --from and --to a range', 'give one of both');
  if (to && !from) throw rejected('a range needs --from');
  const [first, last] = at ? [at, at] : [from, from && (to ?? new Date())];
  if (only && !first) throw rejected('--only is of a range', 'add --from');
  return {
    by: byCommand().by ?? 'sluice',
    ...(first && last && { range: { from: first.getTime(), to: last.getTime() } }),
    ...(only && { only }),
    ...(dryRun && { isDryRun: true }),
    ...(values && { with: Object.fromEntries(values.map(pairOf)) }),
  };
}

function pairOf(text: string): [string, string] {
  const at = text.indexOf('=');
  if (at < 1) throw rejected(`${JSON.stringify(text)} is not a value`, 'write it as NAME=VALUE');
  return [text.slice(0, at), text.slice(at + 1)];
}
