import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Project } from '../config/project.ts';
import { request } from '../connect/http.ts';
import { jarsOf } from './jars.ts';
import { javaBinary, light, opens } from './java.ts';
import type { Service } from './service.ts';
import { masterUrl, prepareSpark, sparkEnv } from './spark.ts';

/** Apache Livy. Its batches are children of its own process and run their drivers on this machine. */
export function livy(project: Project): Service {
  const { home, root, stack, endpoints } = project;
  const folder = join(home, 'livy');
  return {
    name: 'livy',
    url: endpoints.livy,
    elsewhere: stack.elsewhere.livy !== undefined,
    ports: [stack.ports.livy],
    after: ['spark-master'],
    async prepare(told) {
      const jars = await jarsOf('livy', root, told);
      await prepareSpark(project, told);
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
          'livy.server.session.state-retain.sec = 3600s',
          '',
        ].join('\n'),
      );
      return {
        file: javaBinary(),
        args: [...light, ...opens, '-cp', `${join(jars, '*')}:${folder}`, 'org.apache.livy.server.LivyServer'],
        env: { ...sparkEnv(root), LIVY_CONF_DIR: folder, LIVY_LOG_DIR: join(home, 'logs') },
      };
    },
    healthy: async () => (await request(`${endpoints.livy}/batches?size=1`).catch(() => undefined))?.status === 200,
  };
}
