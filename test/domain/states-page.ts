import { budgetOf } from '../../controller/domain/failure.ts';
import { type FailureKind, failureKinds } from '../../controller/domain/failure-kinds.ts';
import { attemptTable, runTable, type Transition } from '../../controller/domain/lifecycle.ts';

/** The reaction before, or instead of, another attempt. */
const remedies: Readonly<Record<FailureKind, string>> = {
  'out-of-memory': 'twice the memory where it ran out, up to the cluster’s; then fewer tasks at once',
  'lost-executor': 'again',
  killed: 'again, once it is confirmed gone',
  'bad-sql': 'none: a person mends the SQL',
  'bad-input': 'none: a person mends the data',
  'inputs-lost': 'the sources are measured again, as long as nothing is published',
  'missing-dependency': 'none: a person mends the class path',
  audit: 'none: rows are missing, and a person finds out why',
  'gateway-unavailable': 'waited for, as long as the step has patience; no try is used up',
  'gateway-rejected': 'none: a person mends the settings',
  'not-prepared': 'none: a person mends what cannot be written or read',
  'service-unavailable': 'again, not before the time the service asks for',
  'service-refused': 'none: a person mends the request',
  'timed-out': 'once more, after it is ended',
  lost: 'again, after it is barred from ever starting',
  cancelled: 'none',
  unknown: 'again',
};

/** A table as a Mermaid state diagram. */
function diagram(table: readonly Transition[]): string {
  const lines = table.flatMap(({ from, on, to }) => {
    const starts = from.length === 0 ? ['[*]'] : from;
    return starts.flatMap((start) =>
      [to].flat().flatMap((end) => {
        // An event without its own end leaves the state unchanged.
        const stays = Array.isArray(to) && !on.endsWith('-ended');
        return stays && end !== start ? [] : [`  ${start} --> ${end}: ${on}`];
      }),
    );
  });
  const ends = new Set(table.filter(({ on }) => on.endsWith('-ended')).flatMap(({ to }) => [to].flat()));
  return ['stateDiagram-v2', '  direction LR', ...lines, ...[...ends].map((end) => `  ${end} --> [*]`)].join('\n');
}

/** docs/states.md, generated from the code. */
export const statesPage = (): string => `# The states of a run and of an attempt

Drawn from the tables in \`controller/domain/lifecycle.ts\` and \`controller/domain/failure.ts\` by \`npm run states\`; a test compares.
An arrow is an event of the history. A run whose gateway or store is away stays in its state, and says so.

## A run

\`\`\`mermaid
${diagram(runTable)}
\`\`\`

## An attempt of a step

\`\`\`mermaid
${diagram(attemptTable)}
\`\`\`

A new attempt is intended only when the last one has ended, confirmed.

## What is done about a failure

Attempts that may end with a kind, with \`retry: { maximumAttempts: 5 }\` and nothing under \`retry.on\`.

| kind | attempts | remedy |
| --- | --- | --- |
${failureKinds.map((kind) => `| ${kind} | ${budgetOf(kind, undefined, 5)} | ${remedies[kind]} |`).join('\n')}
`;
