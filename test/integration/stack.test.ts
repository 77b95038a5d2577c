import { mkdirSync } from 'node:fs';
import { cp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, describe, expect, test } from 'vitest';
import { addressOf, stackLogin } from '../../controller/config/login.ts';
import type { ServiceStatus } from '../../controller/stack/stack.ts';
import { furtherOffset } from '../ports.ts';
import { folder, main, project, sluice, sluiceJson } from './world.ts';

const status = async (): Promise<ServiceStatus[]> => (await sluiceJson('status')).doc as unknown as ServiceStatus[];

describe('the local stack', () => {
  test('is up, with a name, a state, a URL and a process id each', async () => {
    const services = await status();
    expect(services.map((service) => service.name)).toEqual([
      'spark-master',
      'spark-worker',
      'history-server',
      'livy',
      'kafka',
      'postgres',
      'mailbox',
    ]);
    for (const service of services) {
      expect(service.state).toBe('up');
      process.kill(service.pid as number, 0);
    }
  });

  test('is left as it is by a second `up`', async () => {
    const before = await status();
    const { exitCode, stdout } = await sluice('up');
    expect(exitCode).toBe(0);
    expect(stdout).toContain('livy: was up');
    expect(await status()).toEqual(before);
  });

  test('has its password in a file that only its owner reads, and nowhere in the logs', async () => {
    const { home } = await project();
    const secret = await readFile(join(home, 'secrets', 'postgres'), 'utf8');
    const { stdout } = await execa('grep', ['-rlF', secret, join(home, 'logs'), join(home, 'run')], { reject: false });
    expect(stdout).toBe('');
  });
});

describe('a second stack that uses the first one’s services', () => {
  const other = join(folder, '..', 'other');
  const env = {
    SLUICE_HOME: join(other, 'home'),
    SLUICE_PORT_OFFSET: String(furtherOffset(Number(process.env.SLUICE_PORT_OFFSET), 1)),
  };
  // It has the first one's passwords in its files.
  afterAll(() => rm(other, { recursive: true }));
  const run = (args: string[], more: Record<string, string> = {}) =>
    execa(process.execPath, [main, ...args], { cwd: other, env: { ...env, ...more }, reject: false });

  test('starts only services that are not external, and stops exactly those', async () => {
    mkdirSync(other);
    await cp(join(folder, 'conf'), join(other, 'conf'), { recursive: true });
    const { endpoints } = await project();
    const conf = await readFile(join(other, 'conf', 'stack.yaml'), 'utf8');
    const elsewhere = `elsewhere:
  spark-master: ${addressOf(await project(), 'sparkMaster')}
  livy: ${endpoints.livy}
  history-server: ${addressOf(await project(), 'historyServer')}
  kafka: ${endpoints.kafka[0]}
  postgres: ${endpoints.postgres.replace('sluice@', `sluice:${(await readFile(join((await project()).home, 'secrets', 'postgres'), 'utf8')).trim()}@`)}
`;
    await writeFile(join(other, 'conf', 'stack.yaml'), conf.replace('elsewhere: {}', elsewhere));
    const { user, password } = stackLogin((await project()).home) ?? {};
    const connections = await readFile(join(other, 'conf', 'connections.yaml'), 'utf8');
    const login = `spark: { livyUser: ${user}, livyPassword: "${password}" }`;
    await writeFile(join(other, 'conf', 'connections.yaml'), connections.replace('spark: {}', login));
    const up = await run(['up']);
    expect(up.exitCode, up.stderr).toBe(0);
    expect(up.stdout).toContain('mailbox: started');
    expect(up.stdout).toContain('livy: elsewhere');
    const states = JSON.parse((await run(['status', '--json'])).stdout) as ServiceStatus[];
    expect(states.filter((service) => service.state === 'elsewhere')).toHaveLength(6);
    const down = await run(['down']);
    expect(down.stdout).toBe('mailbox: stopped');
    expect((await status()).every((service) => service.state === 'up')).toBe(true);
  });

  test('names the port that is taken, and how to change it', async () => {
    const mailbox = 8025 + Number(env.SLUICE_PORT_OFFSET);
    const server = createServer().listen(mailbox, '127.0.0.1');
    const { exitCode, stderr } = await run(['up']);
    server.close();
    expect(exitCode).toBe(3);
    expect(stderr).toContain(`port ${mailbox}, which mailbox needs, is taken by another program`);
    expect(stderr).toContain('SLUICE_PORT_OFFSET');
  });

  test('refuses a folder with a space, because Spark cannot load jars from it', async () => {
    const { exitCode, stderr } = await run(['up'], { SLUICE_HOME: join(other, 'a home') });
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(/a home" has a space, and Spark's executors cannot load jars from it/);
  });

  test('reports that Java is missing, and how to install it', async () => {
    const { exitCode, stderr } = await run(['up'], { JAVA_HOME: '/nowhere' });
    expect(exitCode).toBe(3);
    expect(stderr).toMatch(/JAVA_HOME is \/nowhere[\s\S]*hint {2}install a JDK 17/);
    const doctor = await run(['doctor'], { JAVA_HOME: '/nowhere' });
    expect(doctor.exitCode).toBe(3);
    expect(doctor.stdout).toMatch(/fail +Java/);
  });

  test('reports a low limit of open files', async () => {
    const doctor = await execa('sh', ['-c', `ulimit -n 512 && exec "${process.execPath}" "${main}" doctor`], {
      cwd: other,
      env,
      reject: false,
    });
    expect(doctor.exitCode).toBe(3);
    expect(doctor.stdout).toMatch(/fail +open files +at most 512 +raise the limit: ulimit -n 1024/);
  });

  test('leaves the scratch folders of living processes, and removes those of dead ones', async () => {
    const scratch = join(other, 'home', 'tmp');
    const dead = (await execa(process.execPath, ['-e', 'process.stdout.write(String(process.pid))'])).stdout;
    for (const pid of [dead, String(process.pid)]) mkdirSync(join(scratch, pid), { recursive: true });
    expect((await run(['down'])).exitCode).toBe(0);
    expect(await readdir(scratch)).toEqual([String(process.pid)]);
  });

  test('shows the end of the log of a service that does not start', async () => {
    const conf = await readFile(join(other, 'conf', 'stack.yaml'), 'utf8');
    await writeFile(join(other, 'conf', 'stack.yaml'), conf.replace(/ {2}kafka: 127.*\n/, ''));
    // A file in place of a broker's data folder.
    mkdirSync(join(other, 'home', 'data'), { recursive: true });
    await rm(join(other, 'home', 'data', 'kafka'), { recursive: true, force: true });
    await writeFile(join(other, 'home', 'data', 'kafka'), 'in the way');
    const { exitCode, stderr } = await run(['up']);
    expect(exitCode).toBe(3);
    expect(stderr).toMatch(/Kafka's storage could not be formatted|kafka ended at once; the end of/);
    expect(stderr).not.toMatch(/^\s+at .*\.js:/m);
    await run(['down']);
  });
});
