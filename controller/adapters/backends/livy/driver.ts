import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { addressOf, isLocal, splitLogin, stackLogin } from '../../../config/login.ts';
import { type Project, sharedOf } from '../../../config/project.ts';
import { milliseconds } from '../../../lib/duration.ts';
import { programRoot, version } from '../../../lib/env.ts';
import { SluiceError } from '../../../lib/errors.ts';
import { below } from '../../../lib/uri.ts';
import type { BackendDriver } from '../../drivers.ts';

/** Spark on a standalone cluster, behind Apache Livy. */
export const livyDriver: BackendDriver = {
  kind: 'livy',
  async open({ project, storage, local }) {
    const { livyBackend } = await import('./livy.ts');
    const { livyUser, livyPassword, standby, standbyIdle } = project.connections.spark;
    const isOurs = isLocal(project, 'livy');
    const login = isOurs ? stackLogin(project.home) : undefined;
    const backend = livyBackend({
      url: project.endpoints.livy,
      jar: () => jarOf(project),
      user: livyUser ?? login?.user,
      password: livyPassword ?? login?.password,
      sparkMaster: addressOf(project, 'sparkMaster'),
      historyServer: splitLogin(project.endpoints.historyServer).url,
      ...(isOurs ? { conf: local.conf(), archives: local.archives } : {}),
    });
    const { withStandby } = await import('./standby.ts');
    // Also with none to keep: drivers may stand ready since conf/ said otherwise.
    return withStandby(backend, {
      storage,
      folder: below(sharedOf(project), 'standby'),
      count: standby,
      idleSeconds: milliseconds(standbyIdle) / 1000,
      version: () => loadedVersion(jarOf(project)),
    });
  },
};

/** The version of this program and of a jar, which may be replaced while drivers stand ready. */
function loadedVersion(jar: string): string {
  const file = statSync(jar.replace(/^local:/, ''), { throwIfNoEntry: false });
  return [version, jar, file?.mtimeMs].join(' ');
}

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
