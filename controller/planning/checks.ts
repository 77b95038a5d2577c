import { type Check, isRowCheck } from '../domain/pipeline.ts';
import type { Values, Verdict } from '../domain/plan.ts';
import type { CheckedProfiles } from '../domain/profile.ts';
import { holds, operands } from '../pipeline/conditions.ts';

export const evaluateChecks = (
  checks: readonly Check[],
  values: Values,
  findings: CheckedProfiles['findings'],
): Verdict[] =>
  checks.map((check) => {
    const { name, otherwise } = check;
    if (isRowCheck(check)) {
      const { rows, of } = findings[name] ?? { rows: 0, of: 0 };
      const because = `${rows} of ${of} rows of ${check.rows} failed`;
      return { name, outcome: rows === 0 ? 'passed' : otherwise, expect: check.where, because };
    }
    const expect = check.expect as string;
    const because = operands(expect, values).join(', ');
    return { name, outcome: holds(expect, values) ? 'passed' : otherwise, expect, because };
  });
