import { readFileSync } from 'node:fs';
import kafkajs, { type Kafka, type SASLOptions } from 'kafkajs';
import type { KafkaAddress } from '../config/addresses.ts';
import { reasonOf, SluiceError } from '../lib/errors.ts';
import { isTlsTrouble } from './tls.ts';

const { KafkaJSError, KafkaJSNumberOfRetriesExceeded, logLevel } = kafkajs;

/** A Kafka client without logging and with few retries. `explainKafka` translates its errors. */
export const kafkaClient = ({ brokers, tls, sasl }: KafkaAddress): Kafka =>
  new kafkajs.Kafka({
    clientId: 'sluice',
    brokers: [...brokers],
    ...(tls ? { ssl: tls.ca === undefined ? true : { ca: [readFileSync(tls.ca, 'utf8')] } } : {}),
    ...(sasl ? { sasl: saslOptions(sasl) } : {}),
    logLevel: logLevel.NOTHING,
    connectionTimeout: 5000,
    retry: { retries: 4, initialRetryTime: 200 },
  });

const saslOptions = ({ mechanism, user: username, password }: NonNullable<KafkaAddress['sasl']>): SASLOptions => ({
  mechanism: mechanism.toLowerCase() as 'plain' | 'scram-sha-256' | 'scram-sha-512',
  username,
  password,
});

/**
 * Translates errors of kafkajs: `unavailable` when no broker responds, else `rejected`. Returns other errors unchanged.
 */
export function explainKafka(error: unknown, brokers: readonly string[]): unknown {
  if (!(error instanceof KafkaJSError)) return error;
  const cause = error instanceof KafkaJSNumberOfRetriesExceeded ? (error.cause ?? error) : error;
  const named = `Kafka at ${brokers.join(', ')}`;
  if (isTlsTrouble(cause))
    return new SluiceError(`${named}: no TLS that can be trusted: ${reasonOf(cause)}`, {
      kind: 'rejected',
      hint: 'give its authority as ca of the connection in conf/connections.yaml, or correct the host',
      cause: error,
    });
  if (!error.retriable && !(error instanceof KafkaJSNumberOfRetriesExceeded))
    return new SluiceError(`${named}: ${reasonOf(cause)}`, { kind: 'rejected', cause: error });
  return new SluiceError(`${named} cannot be reached: ${reasonOf(cause)}`, {
    kind: 'unavailable',
    cause: error,
    hint: 'start it (`sluice up` for the local one) or correct conf/connections.yaml',
  });
}
