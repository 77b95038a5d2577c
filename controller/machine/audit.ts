import type { Profiles } from '../domain/plan.ts';
import type { RunnerResult } from '../domain/result.ts';

/**
 * The mismatches in row counts: of each input, rows read must equal valid + quarantined, and the measured rows. Empty
 * when all reconcile.
 */
export function unreconciled(result: RunnerResult, profiles: Profiles): string[] {
  return result.inputs.flatMap(({ name, read, valid, quarantined }) => {
    const problems: string[] = [];
    if (read !== valid + quarantined)
      problems.push(`${name}: ${read} rows read, but ${valid} valid + ${quarantined} quarantined`);
    const profile = profiles[name];
    if (!profile) return problems;
    const { measures, pin } = profile;
    // Files too large to be measured whole have a count of records nevertheless.
    const expected = measures.estimatedFrom === undefined ? measures.rows : pin.records;
    if (expected !== undefined && expected !== read)
      problems.push(`${name}: ${expected} rows measured, but Spark read ${read}`);
    return problems;
  });
}
