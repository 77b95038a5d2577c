import { mkdir, readdir, readFile, readlink, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { sparkMaster } from '../adapters/backends/livy/spark-master.ts';
import { request } from '../clients/http.ts';
import { addressOf, splitLogin } from '../config/login.ts';
import type { Project } from '../config/project.ts';
import { cacheFolder, machine, sparkHome } from '../lib/env.ts';
import { rejected } from '../lib/errors.ts';
import { doorJar, doorOptions } from './door.ts';
import { jarSetName, jarsOf } from './jars.ts';
import { javaBinary, light, opens } from './java.ts';
import type { Command } from './process.ts';
import type { ReportProgress, Service } from './service.ts';

/** The Spark home made of Maven's jars. Projects with the same jars share it, and with it the AppCDS archives. */
export const madeHome = (root: string): string => join(cacheFolder, 'homes', jarSetName('spark', root));

/** The environment of every process that starts Spark. All of its traffic stays on the loopback interface. */
export const sparkEnv = ({ root, home }: Project): Record<string, string> => ({
  SPARK_HOME: sparkHome ?? madeHome(root),
  SPARK_LOCAL_IP: '127.0.0.1',
  SPARK_SCALA_VERSION: '2.12',
  SPARK_SUBMIT_OPTS: doorOptions(home),
});

export const eventLogFolder = (home: string): string => join(home, 'data', 'spark-events');
export const masterUrl = ({ stack }: Project): string => `spark://127.0.0.1:${stack.ports.sparkMaster}`;

let preparing: Promise<string> | undefined;

/**
 * Prepares a Spark home of Maven's jars, or uses SPARK_HOME. Returns its folder of jars. conf/ stays empty: settings go
 * with each job.
 */
export function prepareSpark({ root, home }: Project, report: ReportProgress): Promise<string> {
  preparing ??= (async () => {
    await mkdir(eventLogFolder(home), { recursive: true });
    if (sparkHome !== undefined) return sparkJars(sparkHome);
    const jars = await jarsOf('spark', root, report);
    const spark = madeHome(root);
    await mkdir(join(spark, 'bin'), { recursive: true });
    await mkdir(join(spark, 'conf'), { recursive: true });
    if ((await readlink(join(spark, 'jars')).catch(() => undefined)) !== jars) {
      await rm(join(spark, 'jars'), { force: true });
      await symlink(jars, join(spark, 'jars'));
    }
    for (const [name, text] of Object.entries(scripts)) {
      const file = join(spark, 'bin', name);
      if ((await readFile(file, 'utf8').catch(() => undefined)) === text) continue;
      // Livy of another project may be about to execute it, so it is replaced atomically.
      await writeFile(`${file}.${process.pid}`, text, { mode: 0o755 });
      await rename(`${file}.${process.pid}`, file);
    }
    return join(spark, 'jars');
  })();
  return preparing;
}

/** The jars of an installation. The class that checks the login requires the servlet API of Spark 3. */
async function sparkJars(home: string): Promise<string> {
  const jars = join(home, 'jars');
  const names = await readdir(jars).catch(() => []);
  if (names.some((name) => /^spark-core_2\.1\d-3\./.test(name))) return jars;
  throw rejected(
    `SPARK_HOME is ${home}, and there is no Spark 3 in its jars/`,
    'the local stack runs on Spark 3; name another Spark as a cluster in conf/connections.yaml',
  );
}

const scripts = {
  'spark-submit': `#!/usr/bin/env bash
exec "$(dirname "$0")/spark-class" org.apache.spark.deploy.SparkSubmit "$@"
`,
  // Spark's launcher prints the driver's command line after an empty line, with a NUL after each word.
  'spark-class': `#!/usr/bin/env bash
export SPARK_HOME="\${SPARK_HOME:-$(cd "$(dirname "$0")/.." && pwd)}"
java="\${JAVA_HOME:+$JAVA_HOME/bin/}java"
words=()
{
  IFS= read -r _
  while IFS= read -r -d '' word; do words+=("$word"); done
} < <("$java" -Xmx128m -XX:TieredStopAtLevel=1 -cp "$SPARK_HOME/jars/*" org.apache.spark.launcher.Main "$@")
[ "\${#words[@]}" -gt 0 ] || { echo "spark-class: the launcher gave no command" >&2; exit 1; }
exec "\${words[@]}"
`,
} as const;

/** A Spark daemon as a plain JVM. */
const daemon =
  (project: Project, mainClass: string, args: readonly string[], properties: Readonly<Record<string, string>> = {}) =>
  async (report: ReportProgress): Promise<Command> => {
    const jars = await prepareSpark(project, report);
    const flags = Object.entries(properties).map(([name, value]) => `-D${name}=${value}`);
    return {
      file: javaBinary(),
      args: [
        ...light,
        ...opens,
        ...flags,
        doorOptions(project.home),
        '-cp',
        `${join(jars, '*')}:${doorJar(project)}`,
        mainClass,
        ...args,
      ],
      env: sparkEnv(project),
    };
  };

/** Whether a page responds with 200; `address` includes the login. */
export async function answers(address: string, path: string): Promise<boolean> {
  const { url, headers } = splitLogin(address);
  return (await request(`${url}${path}`, { headers }).catch(() => undefined))?.status === 200;
}

export function master(project: Project): Service {
  const { ports, elsewhere } = project.stack;
  const { url } = splitLogin(project.endpoints.sparkMaster);
  const args = [
    '--host',
    '127.0.0.1',
    '--port',
    String(ports.sparkMaster),
    '--webui-port',
    String(ports.sparkMasterUi),
  ];
  return {
    name: 'spark-master',
    url,
    external: elsewhere['spark-master'] !== undefined,
    ports: [ports.sparkMaster, ports.sparkMasterUi],
    prepare: daemon(project, 'org.apache.spark.deploy.master.Master', args, { 'spark.ui.reverseProxy': 'true' }),
    healthy: () => answers(addressOf(project, 'sparkMaster'), '/json/'),
  };
}

/** Cores and memory of the worker: from conf/stack.yaml, else all cores and a third of the memory, 2 to 16 GiB. */
export function workerSize({ worker }: Project['stack']): { cores: number; memory: string } {
  const third = Math.floor(machine.memoryBytes / 3 / 2 ** 30);
  return {
    cores: worker.cores ?? machine.cores,
    memory: worker.memory ?? `${Math.min(16, Math.max(2, third))}g`,
  };
}

export function worker(project: Project): Service {
  const { ports, elsewhere } = project.stack;
  const { cores, memory } = workerSize(project.stack);
  const folder = join(project.home, 'data', 'spark-worker');
  const args = [
    '--host',
    '127.0.0.1',
    '--webui-port',
    String(ports.sparkWorkerUi),
    '-c',
    String(cores),
    '-m',
    memory,
    '-d',
    folder,
  ];
  return {
    name: 'spark-worker',
    url: `http://127.0.0.1:${ports.sparkWorkerUi}`,
    external: elsewhere['spark-master'] !== undefined,
    ports: [ports.sparkWorkerUi],
    after: ['spark-master'],
    prepare: daemon(project, 'org.apache.spark.deploy.worker.Worker', [...args, masterUrl(project)], {
      'spark.ui.reverseProxy': 'true',
      'spark.worker.cleanup.enabled': 'true',
    }),
    healthy: async () => {
      const capacity = await sparkMaster(addressOf(project, 'sparkMaster'))
        .capacity()
        .catch(() => undefined);
      return (capacity?.cores.length ?? 0) > 0;
    },
  };
}

export function historyServer(project: Project): Service {
  const { ports, elsewhere } = project.stack;
  const { url } = splitLogin(project.endpoints.historyServer);
  return {
    name: 'history-server',
    url,
    external: elsewhere['history-server'] !== undefined,
    ports: [ports.historyServer],
    prepare: daemon(project, 'org.apache.spark.deploy.history.HistoryServer', [], {
      'spark.history.ui.port': String(ports.historyServer),
      'spark.history.fs.logDirectory': `file://${eventLogFolder(project.home)}`,
      'spark.history.fs.update.interval': '3s',
    }),
    healthy: () => answers(addressOf(project, 'historyServer'), '/api/v1/applications?limit=1'),
  };
}

/** Spark properties of every job on the local stack. */
export const localSparkConf = (project: Project): Record<string, string> => ({
  'spark.driver.host': '127.0.0.1',
  'spark.driver.bindAddress': '127.0.0.1',
  'spark.ui.port': '0',
  'spark.ui.reverseProxy': 'true',
  'spark.eventLog.enabled': 'true',
  // An escaped URI. The history server's setting is an unescaped path.
  'spark.eventLog.dir': pathToFileURL(eventLogFolder(project.home)).href,
});
