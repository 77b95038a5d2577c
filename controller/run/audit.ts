import type { Profiles } from '../decide/values.ts';
import type { RunnerResult } from './result.ts';

/** Where rows got lost or appeared: of each input, read must be valid + quarantined, and what was measured. Empty when none did. */
export function unreconciled(result: RunnerResult, profiles: Profiles): string[] {
  return result.inputs.flatMap(({ name, read, valid, quarantined }) => {
    const problems: string[] = [];
    if (read !== valid + quarantined)
      problems.push(`${name}: ${read} rows read, but ${valid} valid + ${quarantined} quarantined`);
    const { rows: measured, estimatedFrom } = profiles[name]?.measures ?? {};
    if (measured !== undefined && measured !== read && estimatedFrom === undefined)
      problems.push(`${name}: ${measured} rows measured, but Spark read ${read}`);
    return problems;
  });
}
