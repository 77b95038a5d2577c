import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { addressOf, stackSecretFile } from '../config/login.ts';
import type { Project } from '../config/project.ts';
import { doorJar } from './door.ts';
import { jarsOf } from './jars.ts';
import { javaBinary, light, opens } from './java.ts';
import type { Service } from './service.ts';
import { answers, masterUrl, prepareSpark, sparkEnv } from './spark.ts';

/** Apache Livy. Its batches are child processes, whose drivers run on this machine. */
export function livy(project: Project): Service {
  const { home, root, stack, endpoints } = project;
  const folder = join(home, 'livy');
  return {
    name: 'livy',
    url: endpoints.livy,
    external: stack.elsewhere.livy !== undefined,
    ports: [stack.ports.livy],
    after: ['spark-master'],
    async prepare(report) {
      const jars = await jarsOf('livy', root, report);
      await prepareSpark(project, report);
      await mkdir(folder, { recursive: true });
      await writeFile(
        join(folder, 'livy.conf'),
        [
          'livy.server.host = 127.0.0.1',
          `livy.server.port = ${stack.ports.livy}`,
          `livy.spark.master = ${masterUrl(project)}`,
          'livy.spark.deploy-mode = client',
          `livy.file.local-dir-whitelist = ${home}`,
          'livy.server.csrf-protection.enabled = true',
          'livy.server.auth.type = sluice',
          'livy.server.auth.sluice.class = sluice.door.DoorFilter',
          `livy.server.auth.sluice.param.secretFile = ${stackSecretFile(home)}`,
          'livy.server.session.state-retain.sec = 3600s',
          '',
        ].join('\n'),
      );
      return {
        file: javaBinary(),
        args: [
          ...light,
          ...opens,
          '-cp',
          `${join(jars, '*')}:${folder}:${doorJar(project)}`,
          'org.apache.livy.server.LivyServer',
        ],
        env: { ...sparkEnv(project), LIVY_CONF_DIR: folder, LIVY_LOG_DIR: join(home, 'logs') },
      };
    },
    healthy: () => answers(livyAddress(project), '/batches?size=1'),
  };
}

/** Livy's URL with a login: the local stack's, or that of conf/connections.yaml for an external Livy. */
function livyAddress(project: Project): string {
  const { livyUser, livyPassword = '' } = project.connections.spark;
  if (livyUser === undefined) return addressOf(project, 'livy');
  const login = [livyUser, livyPassword].map(encodeURIComponent).join(':');
  return project.endpoints.livy.replace('://', `://${login}@`);
}
