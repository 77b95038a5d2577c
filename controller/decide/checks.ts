import { holds, operands, type Values } from '../pipeline/conditions.ts';
import { type Check, isRowCheck } from '../pipeline/schema.ts';
import type { Reviewed } from '../profile/port.ts';

/** How a check came out: `passed`, or what the pipeline says of its failing. */
export interface Verdict {
  readonly name: string;
  readonly outcome: 'passed' | Check['otherwise'];
  readonly expect: string;
  /** The values it was judged by, such as `deliveries.rows = 200000`. */
  readonly because: string;
}

export const judge = (checks: readonly Check[], values: Values, findings: Reviewed['findings']): Verdict[] =>
  checks.map((check) => {
    const { name, otherwise } = check;
    if (isRowCheck(check)) {
      const { rows, of } = findings[name] ?? { rows: 0, of: 0 };
      const because = `${rows} of ${of} rows of ${check.rows} break it`;
      return { name, outcome: rows === 0 ? 'passed' : otherwise, expect: check.where, because };
    }
    const expect = check.expect as string;
    const because = operands(expect, values).join(', ');
    return { name, outcome: holds(expect, values) ? 'passed' : otherwise, expect, because };
  });
