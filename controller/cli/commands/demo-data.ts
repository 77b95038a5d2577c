import { join } from 'node:path';
import { openProject } from '../../app/wiring.ts';
import { postgresAddress } from '../../config/addresses.ts';
import type { Project } from '../../config/project.ts';
import { type DemoData, generate } from '../../demo/generate.ts';
import type { Defects } from '../../demo/shop.ts';
import { formatDuration } from '../../lib/duration.ts';
import { rejected } from '../../lib/errors.ts';
import { withLock } from '../../stack/lock.ts';
import { exit, number, type Output } from '../view/output.ts';
import { pc } from '../view/style.ts';

export type DemoOptions = Defects & { readonly rows: number; readonly seed: number };

/** `sluice demo-data` */
export async function demoData(output: Output, options: DemoOptions): Promise<number> {
  const project = await openProject();
  const data = await withLock(project.home, output.line, () => makeData(project, options, output));
  output.document({ seed: options.seed, ...data });
  return exit.ok;
}

/** Fills the local stack's shop. Refuses to touch a database or broker that is not the local stack's. */
export async function makeData(project: Project, options: DemoOptions, output: Output): Promise<DemoData> {
  const { connections, endpoints, stack, root } = project;
  const { postgres, kafka } = connections;
  const away =
    postgres.shop?.url !== undefined ||
    kafka.shop?.brokers !== undefined ||
    stack.elsewhere.postgres !== undefined ||
    stack.elsewhere.kafka !== undefined;
  if (away || !postgres.shop || !kafka.shop) {
    throw rejected(
      'refusing to overwrite an external database or topic: conf/ says that shop is not on the local stack',
      'remove the url or brokers of shop from conf/connections.yaml and conf/stack.yaml',
    );
  }
  const targets = {
    postgres: postgresAddress(project, postgres.shop),
    brokers: endpoints.kafka,
    topic: 'order-events',
    folder: join(root, 'data', 'deliveries'),
  };
  const started = performance.now();
  const line = (name: string, text: string): void => output.line(`${pc.bold(name.padEnd(10))} ${text}`);
  const data = await generate(options.rows, options.seed, options, targets, (what, rows) =>
    line('made', `${number(rows)} ${what}`),
  );
  for (const [what, n] of Object.entries(data.planted)) line('planted', `${number(n)} ${what}`);
  line(
    'data',
    `${number(options.rows)} rows of seed ${options.seed} in ${formatDuration(performance.now() - started)}`,
  );
  return data;
}
