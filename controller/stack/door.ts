import { createHash, randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { stackLogin, stackSecretFile } from '../config/login.ts';
import type { Project } from '../config/project.ts';
import { rejected, SluiceError } from '../lib/errors.ts';
import { running } from './process.ts';
import { serviceNames } from './service.ts';

/** Options for every JVM of Spark. Java reads them from this file, because other users can read a command line. */
const javaOptionsFile = (home: string): string => join(home, 'secrets', 'spark-java-options');

/** The argument that makes Java read the options of `closeDoor`. */
export const doorOptions = (home: string): string => `@${javaOptionsFile(home)}`;

/**
 * Creates, at the first `up`, the secret that protects the stack's Spark, Livy and web pages, and the files that pass
 * it to Spark. The caller holds the lock of the home.
 */
export async function closeDoor({ home }: Project): Promise<void> {
  const file = stackSecretFile(home);
  if (!existsSync(file)) {
    const alive = await Promise.all(serviceNames.map((name) => running(home, name)));
    if (alive.some(Boolean))
      throw rejected('services without a login, of an earlier version, are running', 'run `sluice down` first');
    await write(file, randomBytes(24).toString('base64url'));
  }
  const spark = createHash('sha256')
    .update(`spark ${stackLogin(home)?.password}`)
    .digest('base64url');
  const properties = {
    'spark.authenticate': 'true',
    'spark.authenticate.secret': spark,
    'spark.ui.filters': 'sluice.door.DoorFilter',
    'spark.sluice.door.DoorFilter.param.secretFile': file,
  };
  const lines = Object.entries(properties).map(([name, value]) => `"-D${name}=${value.replace(/["\\]/g, '\\$&')}"\n`);
  await write(javaOptionsFile(home), lines.join(''));
}

async function write(file: string, text: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  await writeFile(`${file}.new`, text, { mode: 0o600, flush: true });
  await rename(`${file}.new`, file);
}

/** The jar with the classes that check the login: the Spark runner's. */
export function doorJar({ root }: Project): string {
  const jar = join(root, 'spark-jobs', 'target', 'spark-runner.jar');
  if (existsSync(jar)) return jar;
  throw new SluiceError(
    `the Spark runner, which also checks the login of the stack, is not built: there is no ${jar}`,
    {
      kind: 'unavailable',
      hint: 'build it: mvn -f spark-jobs/pom.xml package -DskipTests',
    },
  );
}
