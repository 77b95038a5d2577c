import type { TestOutcome } from '../../app/pipeline-tests/schema.ts';
import { type Html, html } from '../../lib/html.ts';

/** Outcomes in JUnit's XML, as CI servers read it. */
export function junit(files: readonly { readonly pipeline: string; readonly tests: readonly TestOutcome[] }[]): string {
  const suites = files.map(({ pipeline, tests }) => {
    const failures = tests.filter(({ differences }) => differences.length > 0).length;
    const time = tests.reduce((sum, each) => sum + each.seconds, 0).toFixed(3);
    const cases = tests.map((each) => caseOf(pipeline, each));
    return html`<testsuite name="${pipeline}" tests="${tests.length}" failures="${failures}" time="${time}">
${cases}</testsuite>
`;
  });
  return `<?xml version="1.0" encoding="UTF-8"?>\n${
    html`<testsuites>
${suites}</testsuites>`.text
  }`;
}

function caseOf(pipeline: string, { name, seconds, differences }: TestOutcome): Html {
  const failure =
    differences.length > 0 && html`<failure message="${differences[0]}">${differences.join('\n')}</failure>`;
  return html`<testcase classname="${pipeline}" name="${name}" time="${seconds.toFixed(3)}">${failure}</testcase>
`;
}
