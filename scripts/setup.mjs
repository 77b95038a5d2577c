// @ts-check
/**
 * Prepares a fresh checkout: npm packages, the compiled controller and, with --jar, the Spark runner. Completed parts
 * are skipped. Plain JavaScript, because it runs before anything is installed.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

/** The newest change time below the paths, in milliseconds; 0 where there is nothing. @param {string[]} paths @returns {number} */
function newest(...paths) {
  return Math.max(
    0,
    ...paths.map((path) => {
      if (!existsSync(path)) return 0;
      const stat = statSync(path);
      return stat.isDirectory() ? newest(...readdirSync(path).map((name) => join(path, name))) : stat.mtimeMs;
    }),
  );
}

/** @param {string} what @param {string} command @param {string[]} args @param {string} missing */
function run(what, command, args, missing) {
  console.log(`setup     ${what}`);
  const { status, error } = spawnSync(command, args, {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
    shell: process.platform === 'win32',
  });
  if (error) {
    console.error(`error ${command} was not found\nhint  ${missing}`);
    process.exit(3);
  }
  if (status !== 0) process.exit(status ?? 1);
}

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 12)) {
  console.error(`error Node.js ${process.versions.node} is too old\nhint  install Node.js 20.12 or newer`);
  process.exit(3);
}

const at = (/** @type {string[]} */ ...parts) => join(root, ...parts);
if (newest(at('node_modules', '.package-lock.json')) < newest(at('package-lock.json'))) {
  run('npm packages', 'npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], 'npm comes with Node.js');
}
if (
  newest(at('dist', '.built')) <
  newest(at('controller'), at('tsconfig.json'), at('scripts', 'build.mjs'), at('node_modules', '.package-lock.json'))
) {
  run('compiling the controller', process.execPath, [at('scripts', 'build.mjs')], '');
}
const jar = at('spark-jobs', 'target', 'spark-runner.jar');
if (
  process.argv.includes('--jar') &&
  newest(jar) < newest(at('spark-jobs', 'src', 'main'), at('spark-jobs', 'pom.xml'))
) {
  run(
    'building the Spark runner',
    'mvn',
    ['-B', '-q', '-f', 'spark-jobs/pom.xml', 'package', '-DskipTests'],
    'install Apache Maven and a JDK 17 (Debian: apt-get install maven openjdk-17-jdk-headless)',
  );
}
