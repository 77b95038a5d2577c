import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { kafkaClient } from '../clients/kafka.ts';
import type { Project } from '../config/project.ts';
import { inherited } from '../lib/env.ts';
import { SluiceError } from '../lib/errors.ts';
import { jarsOf } from './jars.ts';
import { javaBinary, light } from './java.ts';
import { portAnswers } from './process.ts';
import type { Service } from './service.ts';

/** 16 random bytes as Kafka writes them. Its tool takes an id that begins with a hyphen for an option. */
export function newClusterId(): string {
  const id = randomBytes(16).toString('base64url');
  return id.startsWith('-') ? newClusterId() : id;
}

/** One Kafka node in both roles, broker and controller (KRaft). */
export function kafka(project: Project): Service {
  const { home, root, stack, endpoints } = project;
  const { ports } = stack;
  const data = join(home, 'data', 'kafka');
  const properties = join(home, 'kafka', 'server.properties');
  return {
    name: 'kafka',
    url: `kafka://${endpoints.kafka.join(',')}`,
    external: stack.elsewhere.kafka !== undefined,
    ports: [ports.kafka, ports.kafkaController],
    async prepare(report) {
      const jars = await jarsOf('kafka', root, report);
      await mkdir(join(home, 'kafka'), { recursive: true });
      await writeFile(properties, settings(ports, data));
      const java = [...light, '-cp', join(jars, '*')];
      if (!existsSync(join(data, 'meta.properties'))) {
        const tool = ['kafka.tools.StorageTool', 'format', '-t', newClusterId(), '-c', properties];
        const format = await execa(javaBinary(), [...java, ...tool], {
          reject: false,
          all: true,
          extendEnv: false,
          env: inherited,
        });
        if (format.failed)
          throw new SluiceError(`Kafka's storage could not be formatted:\n${format.all}`, { kind: 'unavailable' });
      }
      return {
        file: javaBinary(),
        args: ['-Dorg.apache.logging.log4j.level=INFO', ...java, 'kafka.Kafka', properties],
      };
    },
    async healthy() {
      if (stack.elsewhere.kafka === undefined && !(await portAnswers(ports.kafka))) return false;
      const admin = kafkaClient({ brokers: endpoints.kafka }).admin({ retry: { retries: 0 } });
      try {
        await admin.connect();
        return (await admin.describeCluster()).brokers.length > 0;
      } catch {
        return false;
      } finally {
        await admin.disconnect();
      }
    },
  };
}

const settings = (ports: Project['stack']['ports'], data: string): string =>
  Object.entries({
    'process.roles': 'broker,controller',
    'node.id': 1,
    'controller.quorum.voters': `1@127.0.0.1:${ports.kafkaController}`,
    listeners: `PLAINTEXT://127.0.0.1:${ports.kafka},CONTROLLER://127.0.0.1:${ports.kafkaController}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${ports.kafka}`,
    'controller.listener.names': 'CONTROLLER',
    'log.dirs': data,
    'num.partitions': 4,
    'auto.create.topics.enable': false,
    'offsets.topic.replication.factor': 1,
    'offsets.topic.num.partitions': 4,
    'transaction.state.log.replication.factor': 1,
    'transaction.state.log.min.isr': 1,
    'share.coordinator.state.topic.replication.factor': 1,
    'share.coordinator.state.topic.min.isr': 1,
    // A single consumer need not wait for others to join its group.
    'group.initial.rebalance.delay.ms': 0,
    'log.retention.hours': -1,
  })
    .map(([name, value]) => `${name}=${value}`)
    .join('\n');
