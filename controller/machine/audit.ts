import type { Profiles } from '../domain/plan.ts';
import type { RunnerResult } from '../domain/result.ts';

/** Where rows got lost or appeared: of each input, read must be valid + quarantined, and what was measured. Empty when none did. */
export function unreconciled(result: RunnerResult, profiles: Profiles): string[] {
  return result.inputs.flatMap(({ name, read, valid, quarantined }) => {
    const problems: string[] = [];
    if (read !== valid + quarantined)
      problems.push(`${name}: ${read} rows read, but ${valid} valid + ${quarantined} quarantined`);
    const profile = profiles[name];
    if (!profile) return problems;
    const { measures, pin } = profile;
    // Of files too large to be measured whole, the records were counted all the same.
    const expected = measures.estimatedFrom === undefined ? measures.rows : pin.records;
    if (expected !== undefined && expected !== read)
      problems.push(`${name}: ${expected} rows measured, but Spark read ${read}`);
    return problems;
  });
}
