import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { addressOf, isLocal, splitLogin, stackLogin } from '../../../config/login.ts';
import type { Project } from '../../../config/project.ts';
import { programRoot } from '../../../lib/env.ts';
import { SluiceError } from '../../../lib/errors.ts';
import type { BackendDriver } from '../../drivers.ts';

/** Spark on a standalone cluster, behind Apache Livy. */
export const livyDriver: BackendDriver = {
  kind: 'livy',
  async open({ project, local }) {
    const { livyBackend } = await import('./livy.ts');
    const { livyUser, livyPassword } = project.connections.spark;
    const isOurs = isLocal(project, 'livy');
    const login = isOurs ? stackLogin(project.home) : undefined;
    return livyBackend({
      url: project.endpoints.livy,
      jar: () => jarOf(project),
      user: livyUser ?? login?.user,
      password: livyPassword ?? login?.password,
      sparkMaster: addressOf(project, 'sparkMaster'),
      historyServer: splitLogin(project.endpoints.historyServer).url,
      ...(isOurs ? { conf: local.conf(), archives: local.archives } : {}),
    });
  },
};

/** The runner's jar as driver and executors see it. Throws an unavailable SluiceError when it is not built. */
export function jarOf(project: Project): string {
  const own = project.connections.spark.jar;
  if (own !== undefined) return own;
  const places = [project.root, programRoot].map((root) => join(root, 'spark-jobs', 'target', 'spark-runner.jar'));
  const built = places.find((file) => existsSync(file));
  if (built === undefined) {
    throw new SluiceError(`the Spark runner is not built: there is no ${places.at(-1)}`, {
      kind: 'unavailable',
      hint: `build it: mvn -f ${join(programRoot, 'spark-jobs', 'pom.xml')} package -DskipTests`,
    });
  }
  return `local:${built}`;
}
