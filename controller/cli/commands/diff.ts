import { resolveRun } from '../../app/resolve-run.ts';
import { diffDocument, differencesOf, type Fact } from '../../app/views/diff.ts';
import { withReader } from '../../server/client/reader.ts';
import { columns, exit, number, type Output } from '../view/output.ts';
import { pc } from '../view/style.ts';

/**
 * `sluice diff RUN RUN`: the differences of two runs in rows, quality, branch, settings, attempts, durations and
 * results.
 */
export async function diff(
  output: Output,
  before: string,
  after: string,
  { server }: { server?: string },
): Promise<number> {
  return withReader(server, async (reader) => {
    const [a, b] = [await resolveRun(reader, before), await resolveRun(reader, after)];
    const differences = differencesOf(a, b);
    const rows = differences.map((each) => [
      each.what,
      pc.red(shown(each.a)),
      pc.green(shown(each.b)),
      pc.dim(changeOf(each.a, each.b)),
    ]);
    if (rows.length === 0) output.line(`${a.summary.run} and ${b.summary.run} have no differences.`);
    else
      for (const line of columns([['', pc.bold(a.summary.run), pc.bold(b.summary.run), ''], ...rows]))
        output.line(line);
    output.document(diffDocument(a.summary.run, b.summary.run, differences));
    return exit.ok;
  });
}

function shown(fact: Fact | undefined): string {
  if (!fact) return '—';
  return fact.text ?? (typeof fact.value === 'number' ? number(fact.value) : fact.value);
}

const changeOf = (a: Fact | undefined, b: Fact | undefined): string => {
  if (typeof a?.value !== 'number' || typeof b?.value !== 'number' || a.value === 0) return '';
  const percent = (b.value / a.value - 1) * 100;
  return `${percent < 0 ? '' : '+'}${percent.toFixed(Math.abs(percent) < 10 ? 1 : 0)} %`;
};
