import type { Compared } from '../domain/past.ts';
import { type Check, isRowCheck } from '../domain/pipeline.ts';
import type { Values, Verdict } from '../domain/plan.ts';
import type { CheckedProfiles } from '../domain/profile.ts';
import { holds, operands } from '../pipeline/conditions.ts';
import { normalIn } from '../pipeline/normal-calls.ts';
import { comparedText } from './past.ts';

/** `comparisons` has what `normal()` compares, by path. */
export const evaluateChecks = (
  checks: readonly Check[],
  values: Values,
  findings: CheckedProfiles['findings'],
  comparisons: readonly Compared[],
): Verdict[] =>
  checks.map((check) => {
    const { name, otherwise } = check;
    if (isRowCheck(check)) {
      const { rows, of } = findings[name] ?? { rows: 0, of: 0 };
      const because = `${rows} of ${of} rows of ${check.rows} failed`;
      return { name, outcome: rows === 0 ? 'passed' : otherwise, expect: check.where, because };
    }
    const expect = check.expect as string;
    const paths = normalIn(expect);
    const compared = comparisons.filter(({ measure }) => paths.includes(measure));
    const isNormal = (path: string): boolean =>
      !compared.some(({ measure, verdict }) => measure === path && verdict === 'unusual');
    const because = [...operands(expect, values), ...compared.map(comparedText)].join(', ');
    const outcome = holds(expect, values, isNormal) ? 'passed' : otherwise;
    return { name, outcome, expect, because, ...(compared.length > 0 && { compared }) };
  });
