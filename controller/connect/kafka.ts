import kafkajs, { type Kafka } from 'kafkajs';
import { reasonOf, SluiceError } from '../errors.ts';

const { KafkaJSConnectionError, KafkaJSError, KafkaJSNumberOfRetriesExceeded, logLevel } = kafkajs;

/** A Kafka client that keeps quiet and gives up soon; errors are explained by `explainKafka`. */
export const kafkaClient = (brokers: readonly string[]): Kafka =>
  new kafkajs.Kafka({
    clientId: 'sluice',
    brokers: [...brokers],
    logLevel: logLevel.NOTHING,
    connectionTimeout: 5000,
    retry: { retries: 4, initialRetryTime: 200 },
  });

/** What kafkajs throws, as `unavailable` when no broker answers, else as `rejected`; what is not the client's stays what it is. */
export function explainKafka(error: unknown, brokers: readonly string[]): unknown {
  if (!(error instanceof KafkaJSError)) return error;
  const cause = error instanceof KafkaJSNumberOfRetriesExceeded ? (error.cause ?? error) : error;
  const away = error instanceof KafkaJSNumberOfRetriesExceeded || cause instanceof KafkaJSConnectionError;
  return new SluiceError(`Kafka at ${brokers.join(', ')}${away ? ' cannot be reached' : ''}: ${reasonOf(cause)}`, {
    kind: away ? 'unavailable' : 'rejected',
    cause: error,
    ...(away ? { hint: 'start it (`sluice up` for the local one) or correct conf/connections.yaml' } : {}),
  });
}
