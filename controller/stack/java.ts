import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { inherited, javaHome } from '../lib/env.ts';
import { SluiceError } from '../lib/errors.ts';

const wanted = 17;
const hint = `install a JDK ${wanted} (Debian: apt-get install openjdk-17-jdk-headless; macOS: brew install openjdk@17), or set JAVA_HOME`;

/** The `java` executable: from JAVA_HOME, else from the PATH. */
export const javaBinary = (): string => (javaHome === undefined ? 'java' : join(javaHome, 'bin', 'java'));

/** The version of this Java. Throws `unavailable` when there is none or it is older than 17. */
export async function checkJava(): Promise<string> {
  const java = javaBinary();
  if (javaHome !== undefined && !existsSync(java)) {
    throw new SluiceError(`JAVA_HOME is ${javaHome}, and there is no bin/java in it`, { kind: 'unavailable', hint });
  }
  // Loaded here, because most commands start no process.
  const { execa } = await import('execa');
  const { stderr, failed } = await execa(java, ['-version'], { reject: false, extendEnv: false, env: inherited });
  const version = /version "([^"]+)"/.exec(stderr)?.[1];
  if (failed || version === undefined)
    throw new SluiceError(`no Java found (tried ${java})`, { kind: 'unavailable', hint });
  if (Number.parseInt(version, 10) < wanted) {
    throw new SluiceError(`Java ${version} at ${java} is too old; Spark and Kafka here need ${wanted} or newer`, {
      kind: 'unavailable',
      hint,
    });
  }
  return version;
}

/** JVM flags for the internals that Spark 3.5 and Livy 0.7 access on Java 17. */
export const opens: readonly string[] = [
  'java.lang',
  'java.lang.invoke',
  'java.lang.reflect',
  'java.io',
  'java.net',
  'java.nio',
  'java.util',
  'java.util.concurrent',
  'java.util.concurrent.atomic',
  'sun.nio.ch',
  'sun.nio.cs',
  'sun.security.action',
  'sun.util.calendar',
].map((name) => `--add-opens=java.base/${name}=ALL-UNNAMED`);

/** Flags for the services' JVMs: a small heap, and only as much compilation as pays off for a mostly idle server. */
export const light: readonly string[] = [
  '-Xmx512m',
  '-XX:+UseSerialGC',
  '-XX:TieredStopAtLevel=1',
  '-Djava.net.preferIPv4Stack=true',
];
