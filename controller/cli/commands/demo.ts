import { join } from 'node:path';
import { openProject } from '../../app/wiring.ts';
import { splitLogin } from '../../config/login.ts';
import { withLock } from '../../stack/lock.ts';
import { preflight } from '../../stack/stack.ts';
import { exit, type Output } from '../view/output.ts';
import { pc } from '../view/style.ts';
import { type DemoOptions, makeData } from './demo-data.ts';
import { run } from './run.ts';
import { loginLine } from './status.ts';
import { startStack } from './up.ts';

/** `sluice demo`: generates the sample shop dataset and runs the whole flow on it. */
export async function demo(output: Output, options: DemoOptions): Promise<number> {
  const project = await openProject();
  await preflight(project);
  await withLock(project.home, output.line, async () => {
    await startStack(project, output);
    await makeData(project, options, output);
  });
  const code = await run(output, join(project.root, 'conf', 'pipelines', 'customer-report.yaml'), {});
  const { endpoints } = project;
  const places: [string, string][] = [
    ['report', join(project.root, project.connections.reports.folder, 'customer-report', 'latest', 'index.html')],
    ['mailbox', endpoints.mailbox],
    ['Spark', splitLogin(endpoints.sparkMaster).url],
    ['history', splitLogin(endpoints.historyServer).url],
    ['Livy', `${endpoints.livy}/ui`],
  ];
  if (code === exit.ok) {
    output.line('\nWhere to look:');
    for (const [name, place] of places) output.line(`  ${name.padEnd(8)} ${pc.underline(place)}`);
    output.line(loginLine(project));
    output.line('The stack keeps running; stop it with `npx sluice down`.');
  }
  return code;
}
