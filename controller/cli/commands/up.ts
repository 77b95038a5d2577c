import { join } from 'node:path';
import { Listr } from 'listr2';
import { jarOf } from '../../adapters/backends/livy/driver.ts';
import { openProject } from '../../app/wiring.ts';
import type { Project } from '../../config/project.ts';
import { isRoot, sparkHome } from '../../lib/env.ts';
import { SluiceError } from '../../lib/errors.ts';
import { classArchives, makeArchives } from '../../stack/archive.ts';
import { closeDoor } from '../../stack/door.ts';
import { withLock } from '../../stack/lock.ts';
import { removeStaleScratch } from '../../stack/scratch.ts';
import type { ServiceName } from '../../stack/service.ts';
import { preflight, services, startService, status } from '../../stack/stack.ts';
import { exit, type Output, progressLines } from '../view/output.ts';
import { loginLine } from './status.ts';

/** `sluice up` */
export async function up(output: Output): Promise<number> {
  const project = await openProject();
  await preflight(project);
  await removeStaleScratch(join(project.home, 'tmp'));
  await withLock(project.home, output.line, () => startStack(project, output));
  output.line(loginLine(project));
  output.document(await status(project));
  return exit.ok;
}

/**
 * Starts all services concurrently, with one line a service; running ones are left alone. Throws the first error after
 * all have finished. The caller has checked `preflight` and holds the lock of the home.
 */
export async function startStack(project: Project, output: Output): Promise<void> {
  await closeDoor(project);
  if (isRoot) output.line('running as root: jobs of this stack, and the SQL of its pipelines, have the rights of root');
  const all = services(project);
  const started = new Map<ServiceName, Promise<string>>();
  const failures: unknown[] = [];
  const tasks = new Listr(
    all.map((service) => ({
      title: service.name,
      task: async (_, task) => {
        const say = progressLines(output.isTerminal, (line) => {
          task.output = `${service.name}: ${line}`;
        });
        const work = (async () => {
          for (const before of service.after ?? []) await started.get(before);
          return startService(project, service, say);
        })();
        started.set(service.name, work);
        // The first dependent service reports the failure too; this handler only prevents an unhandled rejection.
        work.catch(() => undefined);
        try {
          task.title = `${service.name}: ${await work}, ${service.url}`;
        } catch (error) {
          failures.push(error);
          throw error;
        }
      },
    })),
    {
      concurrent: true,
      exitOnError: false,
      renderer: output.json ? 'silent' : output.isTerminal ? 'default' : 'simple',
      rendererOptions: { showErrorMessage: false, collapseErrors: false },
    } as never,
  );
  await tasks.run();
  const [first] = failures;
  if (first instanceof SluiceError) throw first;
  if (first !== undefined) throw new SluiceError((first as Error).message, { kind: 'unavailable', cause: first });
  await archive(project, output);
}

/** Builds the AppCDS archives once for a set of jars. A stack with an external Spark does not use them. */
async function archive(project: Project, output: Output): Promise<void> {
  const { elsewhere } = project.stack;
  const own = elsewhere['spark-master'] === undefined && elsewhere.livy === undefined && sparkHome === undefined;
  if (!own || classArchives(project)) return;
  let jar: string;
  try {
    jar = jarOf(project);
  } catch {
    return; // The runner is not built yet; the next `up` builds the archives.
  }
  output.line('AppCDS archive: building it once; Spark then starts in half the time');
  if (!(await makeArchives(project, jar))) output.line('AppCDS archive: it could not be built; continuing without it');
}
