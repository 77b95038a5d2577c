import { pbkdf2Sync, randomBytes } from 'node:crypto';
import { chmod, chown, mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { kafkaClient } from '../../controller/clients/kafka.ts';
import type { Project } from '../../controller/config/project.ts';
import { jarsOf } from '../../controller/stack/jars.ts';
import { javaBinary, light } from '../../controller/stack/java.ts';
import { portAnswers, portFree, waitUntil } from '../../controller/stack/process.ts';
import type { Certificates } from '../certificates.ts';
import { query } from './world.ts';

/** Breaks files, URLs and configurations that do not quote it. */
export const oddPassword = `k "a" \\f; {k}%41#'`;
export const saslLogin = { mechanism: 'SCRAM-SHA-512', user: 'sluice', password: oddPassword } as const;
/** How long a broker may take to start on a loaded machine. Milliseconds. */
const brokerStarts = 90_000;

const answers = (): Promise<boolean> =>
  query('SELECT 1').then(
    () => true,
    () => false,
  );

/** Makes the stack's PostgreSQL refuse clients of the shop without TLS. Returns a function that reverts it. */
export async function demandTls({ cert, key }: Certificates['server']): Promise<() => Promise<void>> {
  const [at] = await query(`SELECT current_setting('data_directory') AS data, current_setting('hba_file') AS hba`);
  const { data, hba } = at as { data: string; hba: string };
  const { uid, gid } = await stat(join(data, 'PG_VERSION'));
  for (const [name, text] of [
    ['server.crt', cert],
    ['server.key', key],
  ] as const) {
    await writeFile(join(data, name), text, { mode: 0o600 });
    await chown(join(data, name), uid, gid);
    await chmod(join(data, name), 0o600);
  }
  const before = await readFile(hba, 'utf8');
  const apply = async (rules: string, ssl: 'on' | 'off', reachable: boolean): Promise<void> => {
    await writeFile(hba, rules);
    await query(`ALTER SYSTEM SET ssl = ${ssl}`, 'sluice');
    await query('SELECT pg_reload_conf()', 'sluice');
    if (!(await waitUntil(async () => (await answers()) === reachable, 10_000)))
      throw new Error(`PostgreSQL did not take up ssl = ${ssl}`);
  };
  await apply(`hostnossl shop all all reject\n${before}`, 'on', false);
  return () => apply(before, 'off', true);
}

async function freePort(): Promise<number> {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 12_000);
    if (await portFree(port)) return port;
  }
}

/** A SCRAM credential for `kafka-storage format --add-scram`: salted, so that the password needs no quoting. */
function scramCredential({ user, password }: typeof saslLogin): string {
  const [salt, iterations] = [randomBytes(16), 4096];
  const salted = pbkdf2Sync(password, salt, iterations, 64, 'sha512').toString('base64');
  return `SCRAM-SHA-512=[name=${user},salt="${salt.toString('base64')}",saltedpassword="${salted}",iterations=${iterations}]`;
}

/** Starts a broker that accepts only TLS and SCRAM from clients. Its output is in `broker.log` of the folder. */
export async function startBroker(
  here: Project,
  folder: string,
  { cert, key }: Certificates['server'],
): Promise<{ readonly address: string; readonly stop: () => Promise<unknown> }> {
  await mkdir(folder, { recursive: true });
  const [port, inner, controller] = [await freePort(), await freePort(), await freePort()];
  const properties = join(folder, 'server.properties');
  const lines = {
    'process.roles': 'broker,controller',
    'node.id': 1,
    'controller.quorum.voters': `1@127.0.0.1:${controller}`,
    listeners: `SASL_SSL://127.0.0.1:${port},PLAINTEXT://127.0.0.1:${inner},CONTROLLER://127.0.0.1:${controller}`,
    'advertised.listeners': `SASL_SSL://127.0.0.1:${port},PLAINTEXT://127.0.0.1:${inner}`,
    'inter.broker.listener.name': 'PLAINTEXT',
    'controller.listener.names': 'CONTROLLER',
    'listener.security.protocol.map': 'SASL_SSL:SASL_SSL,PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'sasl.enabled.mechanisms': 'SCRAM-SHA-512',
    'listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config':
      'org.apache.kafka.common.security.scram.ScramLoginModule required;',
    'ssl.keystore.type': 'PEM',
    'ssl.keystore.location': join(folder, 'server.pem'),
    'log.dirs': join(folder, 'data'),
    'offsets.topic.replication.factor': 1,
  };
  await writeFile(join(folder, 'server.pem'), `${key}\n${cert}`, { mode: 0o600 });
  await writeFile(
    properties,
    Object.entries(lines)
      .map((line) => line.join('='))
      .join('\n'),
  );
  const java = [...light, '-cp', join(await jarsOf('kafka', here.root, () => undefined), '*')];
  const format = ['kafka.tools.StorageTool', 'format', '-t', 'c2x1aWNlLXRscy10ZXN0LQ', '-c', properties];
  await execa(javaBinary(), [...java, ...format, '--add-scram', scramCredential(saslLogin)]);
  const log = { file: join(folder, 'broker.log') };
  const broker = execa(javaBinary(), [...java, 'kafka.Kafka', properties], {
    reject: false,
    stdin: 'ignore',
    stdout: log,
    stderr: log,
  });
  let ended = false;
  const exit = broker.finally(() => {
    ended = true;
  });
  await waitUntil(async () => ended || (await portAnswers(port)), brokerStarts);
  if (!(await portAnswers(port)))
    throw new Error(`the broker did not start:\n${(await readFile(log.file, 'utf8')).slice(-3000)}`);
  return {
    address: `127.0.0.1:${port}`,
    stop: () => {
      broker.kill('SIGKILL');
      return exit;
    },
  };
}

/** Copies order-events from the stack's broker to the secured one, partition by partition. */
export async function copyTopic(here: Project, broker: string, ca: string): Promise<void> {
  const topic = 'order-events';
  const from = kafkaClient({ brokers: here.endpoints.kafka });
  const to = kafkaClient({ brokers: [broker], tls: { ca }, sasl: saslLogin });
  const [source, admin] = [from.admin(), to.admin()];
  await Promise.all([source.connect(), admin.connect()]);
  await admin.createTopics({ topics: [{ topic, numPartitions: 4 }], waitForLeaders: true });
  const wanted = (await source.fetchTopicOffsets(topic)).reduce((sum, { high }) => sum + Number(high), 0);
  const [consumer, producer] = [from.consumer({ groupId: 'tls-copy' }), to.producer()];
  await Promise.all([consumer.connect(), producer.connect()]);
  await consumer.subscribe({ topic, fromBeginning: true });
  let copied = 0;
  await new Promise<void>((resolve, reject) => {
    // It starts again by itself after what passes, such as a coordinator that is loading.
    consumer.on('consumer.crash', ({ payload }) => payload.restart || reject(payload.error));
    void consumer.run({
      eachBatch: async ({ batch }) => {
        const messages = batch.messages.map(({ key, value }) => ({ key, value, partition: batch.partition }));
        await producer.send({ topic, messages });
        copied += messages.length;
        if (copied >= wanted) resolve();
      },
    });
  });
  await Promise.all([consumer.disconnect(), producer.disconnect(), source.disconnect(), admin.disconnect()]);
}
