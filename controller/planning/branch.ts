import type { Branch } from '../domain/pipeline.ts';
import type { Choice, Values } from '../domain/plan.ts';
import { holds, operands } from '../pipeline/conditions.ts';

/** The first branch whose condition holds. */
export function chooseBranch(branches: readonly Branch[], values: Values): Choice {
  const rejected: { branch: string; reason: string }[] = [];
  for (const branch of branches) {
    const reason = why(branch, values);
    if (branch.if === undefined || holds(branch.if, values)) {
      const before = rejected.map((r) => r.branch).join(', ');
      const otherwise =
        before === '' ? 'only branch' : `none of ${before} holds: ${rejected.map((r) => r.reason).join('; ')}`;
      return { branch: branch.name, reason: branch.if === undefined ? otherwise : reason, rejected };
    }
    rejected.push({ branch: branch.name, reason });
  }
  return { branch: undefined, reason: `no branch holds: ${rejected.map((r) => r.reason).join('; ')}`, rejected };
}

function why(branch: Branch, values: Values): string {
  if (branch.if === undefined) return `${branch.name} has no condition`;
  return `${operands(branch.if, values).join(', ')}, and ${branch.name} requires ${branch.if}`;
}
