import { holds, operands, type Values } from '../pipeline/conditions.ts';
import type { Check } from '../pipeline/schema.ts';

/** How a check came out: `passed`, or what the pipeline says of its failing. */
export interface Verdict {
  readonly name: string;
  readonly outcome: 'passed' | Check['otherwise'];
  readonly expect: string;
  /** The values it was judged by, such as `deliveries.rows = 200000`. */
  readonly because: string;
}

export const judge = (checks: readonly Check[], values: Values): Verdict[] =>
  checks.map((check) => ({
    name: check.name,
    outcome: holds(check.expect, values) ? 'passed' : check.otherwise,
    expect: check.expect,
    because: operands(check.expect, values).join(', '),
  }));
