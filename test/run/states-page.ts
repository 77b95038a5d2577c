import { failureKinds } from '../../controller/pipeline/failure-kinds.ts';
import { budgetOf, remedies } from '../../controller/run/failure.ts';
import { attemptTable, diagram, runTable } from '../../controller/run/lifecycle.ts';

/** docs/states.md as the code has it. */
export const statesPage = (): string => `# The states of a run and of an attempt

Drawn from the tables in \`controller/run/lifecycle.ts\` and \`controller/run/failure.ts\` by \`npm run states\`; a test compares.
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
