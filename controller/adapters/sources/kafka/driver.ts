import { z } from 'zod';
import { addressesOf, type KafkaAddress } from '../../../config/addresses.ts';
import { columnsOf } from '../../../domain/pipeline.ts';
import { columns, identifier } from '../../../pipeline/schema.ts';
import { reasonSql, spark, typedColumns } from '../../../snapshot/rules.ts';
import type { SourceDriver } from '../../drivers.ts';
import type { KafkaPin } from './pin.ts';

const spec = z.strictObject({
  kafka: z.string().describe('A connection of conf/connections.yaml'),
  topic: z.string().min(1).describe('Its messages are JSON objects'),
  key: identifier.describe('The column that identifies a row'),
  columns: columns.describe('Fields of the JSON object in the message’s value'),
});
export type KafkaSource = z.output<typeof spec>;

/** Kafka topics. */
export const kafkaSource: SourceDriver = {
  kind: 'kafka',
  spec,
  connection: { section: 'kafka', at: ['kafka'] },
  check(source, project) {
    addressesOf(project).kafka((source as KafkaSource).kafka);
  },
  async open({ project, scratch, storage, snapshots }) {
    const { kafkaReader } = await import('./kafka.ts');
    return kafkaReader({ addressOf: addressesOf(project).kafka, scratch, storage, snapshots });
  },
  async watch({ project }) {
    const { topicWatch } = await import('./watch.ts');
    return topicWatch(addressesOf(project).kafka);
  },
  dataset(source, project) {
    const { kafka, topic } = source as KafkaSource;
    return { namespace: `kafka://${addressesOf(project).kafka(kafka).brokers[0]}`, name: topic };
  },
  input({ name, source, pin }, project) {
    const address = addressesOf(project).kafka((source as KafkaSource).kafka);
    const { topic, partitions } = pin as KafkaPin;
    const all = columnsOf(source);
    return {
      jaas: jaas(address),
      input: {
        name,
        kind: 'kafka',
        brokers: address.brokers.join(','),
        properties: kafkaProperties(address),
        topic,
        offsets: partitions,
        columns: typedColumns(all),
        reason: reasonSql(all, spark, true),
      },
    };
  },
};

/** The properties of a Kafka client, without secrets. */
function kafkaProperties({ tls, sasl }: KafkaAddress): Record<string, string> {
  const protocol = sasl ? (tls ? 'SASL_SSL' : 'SASL_PLAINTEXT') : tls ? 'SSL' : undefined;
  return {
    ...(protocol ? { 'security.protocol': protocol } : {}),
    ...(tls?.ca === undefined ? {} : { 'ssl.truststore.type': 'PEM', 'ssl.truststore.location': tls.ca }),
    ...(sasl ? { 'sasl.mechanism': sasl.mechanism } : {}),
  };
}

/** The login of Kafka's Java client, in JAAS syntax; undefined without SASL. */
export function jaas({ sasl }: KafkaAddress): string | undefined {
  if (!sasl) return undefined;
  const module = sasl.mechanism === 'PLAIN' ? 'plain.PlainLoginModule' : 'scram.ScramLoginModule';
  const quoted = (text: string): string =>
    `"${text.replace(/[\\"]/g, '\\$&').replaceAll('\n', '\\n').replaceAll('\r', '\\r')}"`;
  return `org.apache.kafka.common.security.${module} required username=${quoted(sasl.user)} password=${quoted(sasl.password)};`;
}
